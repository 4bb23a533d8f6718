"""`longhaul-sim run` as a program: what it prints and writes, how it ends, and that its word for a run gives that run again."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from longhaul_e2e.processes import call
from longhaul_e2e.site import programs_folder, top_folder

HELD, BROKEN, USAGE, UNWRITTEN, CONFIGURATION = 0, 1, 64, 65, 78
SCENARIO = """
name = "two & more"
duration_s = 600
calm_s = 120
[[fleet]]
name = "truck"
devices = 2
streams = ["vehicle"]
clock = "drifting"
faults = { restart_every_s = 300 }
[expect]
cut = 1000
drain_s = 600
"""
NEVER = "samples_min = 1000000\n"  # what nobody can measure in ten minutes


def run(*options):
    return call(programs_folder() / "longhaul-sim", "run", *options)


@pytest.fixture()
def scenario(tmp_path):
    """Writes a scenario, and names its file."""

    def write(text=SCENARIO, name="scenario.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_run_that_holds_says_so_to_people_and_to_programs(scenario):
    code, words, messages = run(scenario(), "--seed", 7)
    assert code == HELD and messages == ""
    assert words.startswith("two & more, seed 7: holds\n")
    assert "violations 0" in words and "  again " not in words
    code, line, messages = run(scenario(), "--seed", 7, "--json")
    assert code == HELD and messages == "" and line.count("\n") == 1
    report = json.loads(line)
    assert report["holds"] and report["violations"] == [] and report["seed"] == 7 and report["devices"] == 2
    assert report["samples"] == report["rows"] + report["lost"] + report["cut"] > 100
    assert f"event log {report['log_hash']}" in words


def test_several_seeds_are_several_reports_and_one_summary(scenario):
    code, lines, _ = run(scenario(), "--seed", 3, "--seeds", 3, "--json")
    reports = [json.loads(line) for line in lines.splitlines()]
    assert code == HELD and [report["seed"] for report in reports] == [3, 4, 5]
    assert len({report["log_hash"] for report in reports}) == 3
    code, words, _ = run(scenario(), "--seed", 3, "--seeds", 3)
    assert code == HELD
    assert re.fullmatch(r"3 seeds, .*violations 0 in 0 seeds\n", words)


@pytest.mark.parametrize("options", [[], ["--devices", "5", "--duration-s", "700"]])
def test_what_does_not_hold_is_said_with_the_command_that_gives_the_same_run(scenario, options):
    code, words, _ = run(scenario(SCENARIO + NEVER), "--seed", 9, *options)
    assert code == BROKEN and words.startswith("two & more, seed 9: FAILS\n")
    assert re.search(r"^  violation +expect\.samples_min: only \d+ were measured, and at least 1000000 were expected$", words, re.MULTILINE)
    again = shlex.split(re.search(r"^  again +(.*)$", words, re.MULTILINE)[1])
    assert again[:2] == ["longhaul-sim", "run"]
    code, line, _ = run(*again[2:], "--json")
    report = json.loads(line)
    assert code == BROKEN and not report["holds"]
    assert f"event log {report['log_hash']}" in words
    assert shlex.split(report["again"]) == again


def test_junit_is_what_a_ci_server_reads(scenario, tmp_path):
    file = tmp_path / "report.xml"
    assert run(scenario(), "--seeds", 2, "--junit", file)[0] == HELD
    suite = ElementTree.parse(file).getroot()
    assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "2", "0")
    assert [(case.get("classname"), case.get("name")) for case in suite] == [("two & more", "seed 1"), ("two & more", "seed 2")]
    assert all(float(case.get("time")) >= 0 and len(case) == 0 for case in suite)

    assert run(scenario(SCENARIO + NEVER), "--seeds", 2, "--junit", file)[0] == BROKEN
    suite = ElementTree.parse(file).getroot()
    assert suite.get("failures") == "2"
    for case in suite:
        (failure,) = case
        assert failure.get("message").startswith("expect.samples_min: ")
        assert "two & more" in failure.text and "again" in failure.text


def test_the_log_is_of_one_device_and_of_the_collector(scenario):
    code, words, log = run(scenario(), "--log", "truck-1")
    (line,) = run(scenario(), "--json")[1].splitlines()
    assert code == HELD and json.loads(line)["log_hash"] in words, "to be watched changes nothing"
    lines = [re.fullmatch(r" *\d+:\d\d:\d\d\.\d{3}  (collector|device \d+) +(.*\S) +-?\d+ -?\d+", line) for line in log.splitlines()]
    assert all(lines) and {line[1] for line in lines} == {"collector", "device 1"}
    assert {"boot", "restart", "sent", "delivered", "drained"} <= {line[2] for line in lines}
    code, _, messages = run(scenario(), "--log", "truck-2")
    assert code == CONFIGURATION and '"truck-2"' in messages and '"truck-0"' in messages


def test_on_a_terminal_it_says_how_far_it_is_how_fast_it_goes_and_what_it_does(scenario):
    ours, theirs = os.openpty()
    program = subprocess.Popen([programs_folder() / "longhaul-sim", "run", scenario(), "--devices", "30", "--duration-s", "1800"],
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    said = b""
    with open(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # EIO: the program has ended
        while some := terminal.read(4096):
            said += some
    assert program.wait() == HELD
    steps = [step.replace("\x1b[K", "").strip() for step in said.decode().split("\r")]
    going = [re.fullmatch(r"seed 1: +(\d+)%, (\d+) simulated s a second, (\d+) s left", step) for step in steps]
    percents = [int(step[1]) for step in going if step]
    assert percents and percents == sorted(percents) and percents[-1] <= 100
    assert all(int(step[2]) > 0 for step in going if step)
    assert any(re.fullmatch(r"seed 1: drains for \d+ s of at most 600", step) for step in steps)
    assert re.fullmatch(r"seed 1: drained after \d+ s; the oracle judges", steps[-2]) and steps[-1] == ""


def test_what_has_to_happen_and_does_not_is_a_violation_and_is_counted_by_its_name(scenario):
    file = scenario(SCENARIO + "[expect.happened]\nrestarts = 1\npower_cuts = 3\n")
    code, line, _ = run(file, "--json")
    report = json.loads(line)
    assert code == BROKEN and report["violations"] == ["expect.happened.power_cuts: only 0, and at least 3 were expected"]
    assert report["power_cuts"] == 0 and report["restarts"] >= 1 and report["boots"] == 2 + report["restarts"]
    assert run(file, "--duration-s", 500)[0] == HELD, "made smaller it is not asked for"


def test_a_wrong_command_line_is_told(scenario):
    code, output, messages = run(scenario(), "--sede", 1)
    assert code == USAGE and output == "" and "--sede" in messages
    code, output, messages = run()
    assert code == USAGE and output == "" and "scenario is required" in messages
    assert run(scenario(), "--devices", 0)[0] == USAGE


def test_a_report_that_cannot_be_written_is_told_after_the_run(scenario, tmp_path):
    code, words, messages = run(scenario(), "--junit", tmp_path / "nowhere" / "report.xml")
    assert code == UNWRITTEN and "two & more, seed 1: holds" in words
    assert str(tmp_path / "nowhere" / "report.xml") in messages


@pytest.mark.parametrize("wrong, right, said", [
    ("duration_s = 600", "durations_s = 600", ['line 3: unknown key "durations_s"', 'did you mean "duration_s"?']),
    ("duration_s = 600", "duration_s = 0", ["line 3", '"duration_s"', "1", "31536000"]),
    ('["vehicle"]', '["vehicel"]', ["line 8", '"streams"', 'did you mean "vehicle"?']),
    ("[[fleet]]", "[[fleets]]", ["[[fleet]]"]),
    ("[expect]", "[expect.happened]\npower_cut = 1\n[expect]", ["line 12", '"power_cut"', 'did you mean "power_cuts"?']),
    ("devices = 2", 'link = { recording = "none.csv" }', ['"recording"', "none.csv"]),
])
def test_a_wrong_scenario_names_file_key_and_what_to_do(scenario, wrong, right, said):
    file = scenario(SCENARIO.replace(wrong, right))
    code, output, messages = run(file)
    assert code == CONFIGURATION and output == ""
    for each in (str(file), *said):
        assert each in messages, messages
    code, _, messages = run(file.with_name("other.toml"))
    assert code == CONFIGURATION and "other.toml" in messages


def workflow_commands():
    """What the steps of examples/ci/workflow.yml run, each as one line."""
    text = (top_folder() / "examples/ci/workflow.yml").read_text()
    return [" ".join(found.removeprefix(">").split()) for found in re.findall(r"\brun: ((?:>\n(?: {10}.*\n)+)|.*)", text)]


def test_the_workflow_for_others_names_what_there_is(tmp_path):
    build, simulate = workflow_commands()
    setup, configure, compile_ = (shlex.split(each) for each in build.split(" && "))
    presets = json.loads((top_folder() / "CMakePresets.json").read_text())
    assert setup[0] == "tools/setup" and call(top_folder() / setup[0], "--help")[0] == HELD
    assert setup[1] in re.search(r"no such group: \$group \((.*)\)", (top_folder() / "tools/setup").read_text())[1].split()
    assert configure[:2] == ["cmake", "--preset"] and configure[2] in [each["name"] for each in presets["configurePresets"]]
    assert compile_[-1] == programs_folder().joinpath("longhaul-sim").name and compile_[3] == configure[2]

    # As it would be checked out: ours beside theirs, whose scenario is the example.
    (tmp_path / "longhaul/build" / configure[2]).mkdir(parents=True)
    (tmp_path / "longhaul/build" / configure[2] / "bin").symlink_to(programs_folder())
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/simulator").symlink_to(top_folder() / "examples/ci")
    (tmp_path / "firmware-sim").symlink_to(top_folder() / "firmware-sim")  # for the recordings of the example
    simulate = re.sub(r"\$\{\{ github\.run_number \}\}", "7", simulate)
    simulate = re.sub(r"\$\{\{ .*? && \d+ \|\| \d+ \}\}", "1", simulate)
    assert "${{" not in simulate
    ran = subprocess.run(shlex.split(simulate), cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == HELD, ran.stdout + ran.stderr
    (case,) = ElementTree.parse(tmp_path / "simulator.xml").getroot().iter("testcase")
    assert "7000" in case.get("name")
