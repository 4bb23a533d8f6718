"""Every key of every configuration file: a wrong value is told with its line and ends with 78, before anything is opened.

The keys come from `config example` and from the recordings' mappings, so a new one without a wrong value here fails.
"""

import re
import shutil
import tomllib

import pytest

from longhaul_e2e.processes import call
from longhaul_e2e.recordings import unpack
from longhaul_e2e.site import Site, programs_folder, top_folder

CONFIGURATION = 78
DEVICE = "bus-2228"  # the one of the example
NO_TEXT, NO_NUMBER, NO_TRUTH, NO_LIST = "7", '"many"', '"yes"', "7"
NO_PATH = [NO_TEXT, '""']
FIELD = {"name": [NO_TEXT, '"Temperature"'], "kind": [NO_TEXT, '"decimals"'], "scale": [NO_NUMBER, "-1", "16"],
         "unit": [NO_TEXT], "help": [NO_TEXT], "nullable": [NO_TRUTH], "minimum": [NO_NUMBER], "maximum": [NO_NUMBER],
         "labels": [NO_LIST]}
SPOOL_CLASS = {"reserve_percent": [NO_NUMBER, "-1", "101"], "when_full": [NO_TEXT, '"drop"']}

# Wrong values by section and key, as they would stand in the file.
AGENT = {
    "device": {"environment": [NO_TEXT, '"Demo 1"', '""'], "tenant": [NO_TEXT, '"../acme"'], "name": [NO_TEXT, '"BUS"'],
               "certificate": NO_PATH, "key": NO_PATH, "secret": NO_PATH, "root": NO_PATH, "sealing_key": NO_PATH},
    "collector": {"address": [NO_TEXT, '""', '"localhost"', '"localhost:0x1"'], "server_name": [NO_TEXT, '""']},
    "spool": {"path": NO_PATH, "bytes_max": [NO_NUMBER, "1"], "write_bytes_per_day": [NO_NUMBER, "-1"]},
    "spool.alarm": SPOOL_CLASS, "spool.live": SPOOL_CLASS, "spool.normal": SPOOL_CLASS, "spool.bulk": SPOOL_CLASS,
    "block": {"body_bytes_max": [NO_NUMBER, "1", "1000000"], "codecs": [NO_LIST, '["zstd", "lz4"]', '["columns"]']},
    "trace": {"mapping": NO_PATH, "file": NO_PATH, "speed": [NO_NUMBER, "-1"], "loop": [NO_TRUTH], "only": [NO_TEXT]},
    "nmea": {"path": NO_PATH, "baud": [NO_NUMBER, "1"], "stream": [NO_TEXT]},
    "syslog": {"socket": NO_PATH, "file": NO_PATH, "from_start": [NO_TRUTH], "udp": [NO_TEXT, '"5514"'],
               "remote": [NO_TRUTH], "stream": [NO_TEXT]},
    "system": {"interval_s": [NO_NUMBER, "0"]},
    "put": {"stream": [NO_TEXT], "schema": [NO_TEXT], "class": [NO_TEXT, '"urgent"'], "deadline_ms": [NO_NUMBER, "-1"]},
    "put.field": FIELD,
    "control": {"socket": NO_PATH},
}
COLLECTOR = {
    "collector": {"environment": [NO_TEXT, '"Demo 1"', '""'], "role": [NO_TEXT, '"writer"'], "listen": [NO_TEXT, '"everywhere"'],
                  "connections_max": [NO_NUMBER, "0"],
                  "certificate": NO_PATH, "key": NO_PATH, "registry": NO_PATH, "sealing_keys": NO_PATH},
    "journal": {"path": NO_PATH, "shards": [NO_NUMBER, "0"], "group_bytes": [NO_NUMBER, "1"],
                "group_ms": [NO_NUMBER, "-1"], "segment_bytes": [NO_NUMBER, "1"],
                "reserve_bytes": [NO_NUMBER, "-1"],
                "snapshot_bytes": [NO_NUMBER, "1"], "snapshot_s": [NO_NUMBER, "0"]},
    "lake": {"path": NO_PATH, "commit_interval_s": [NO_NUMBER, "0"], "rows_max": [NO_NUMBER, "0"],
             "bytes_max": [NO_NUMBER, "1"], "upkeep_interval_s": [NO_NUMBER, "0"], "compaction_bytes": [NO_NUMBER, "-1"],
             "removed_days": [NO_NUMBER, "0"], "log_days": [NO_NUMBER, "0"], "retention_days": [NO_NUMBER, "-1"],
             "state_interval_s": [NO_NUMBER, "0"]},
    "session": {"handshakes_max": [NO_NUMBER, "0"], "full_handshakes_per_s": [NO_NUMBER, "0"],
                "credit_bytes": [NO_NUMBER, "1"], "under_way_bytes": [NO_NUMBER, "1"],
                "handshake_deadline_s": [NO_NUMBER, "0"],
                "hello_deadline_s": [NO_NUMBER, "0"], "idle_deadline_s": [NO_NUMBER, "0"],
                "cost_interval_s": [NO_NUMBER, "0"]},
    "enrolment": {"listen": [NO_TEXT, '"everywhere"'], "collector": [NO_TEXT, '"everywhere"'], "authorities": NO_PATH,
                  "certificate_days": [NO_NUMBER, "0"]},
    "http": {"listen": [NO_TEXT, '"everywhere"']},
    "log": {"level": [NO_TEXT, '"loud"'], "format": [NO_TEXT, '"xml"']},
}
MAPPING = {
    "trace": {"file": NO_PATH, "format": [NO_TEXT, '"xml"'], "separator": [NO_TEXT, '"::"'], "device": [NO_LIST],
              "device_name": [NO_TEXT, '"Bus 1"'], "device_prefix": [NO_TEXT], "stream": [NO_TEXT, '""'],
              "columns": [NO_LIST], "rest": [NO_TRUTH]},
    "time": {"kind": [NO_TEXT, '"sun"'], "column": [NO_TEXT], "format": [NO_TEXT, '"%Q"'],
             "utc_offset": [NO_TEXT, '"CET"']},
    "schema": {"name": [NO_TEXT, '"Bus"'], "class": [NO_TEXT, '"urgent"'], "deadline_ms": [NO_NUMBER, "-1"]},
    "field": FIELD | {"column": [NO_TEXT]},
}


def example(program):
    code, text, messages = call(programs_folder() / program, "config", "example")
    assert code == 0 and messages == ""
    return text


def keys_of(text):
    """(number of the line, section, key) of every key, also of those that are commented out."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\[+([a-z_.]+)\]+", line):
            section = heading[1]
        if key := re.match(r"(?:# ?)?([a-z_0-9]+) = ", line):
            yield number, section, key[1]


def spoilt(text, section, key, value):
    """The text with a wrong value for one key, and its line; a key that is not there is added below its section's head."""
    lines = text.splitlines()
    places = [number for number, *where in keys_of(text) if where == [section, key]]
    if places:
        lines[places[0] - 1] = f"{key} = {value}"
    else:
        head = next(at for at, line in enumerate(lines) if re.match(rf"\[+{re.escape(section)}\]+", line))
        lines.insert(head + 1, f"{key} = {value}")
        places = [head + 2]
    return "\n".join(lines) + "\n", places[0]


def cases(table):
    return [(section, key, value) for section, keys in table.items() for key, values in keys.items() for value in values]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A device folder with what the agent's example names, and an authority with the collector's."""
    folder = tmp_path_factory.mktemp("keys")
    with Site(folder) as made:
        made.add_devices([DEVICE], collector=1)
    device = made.devices / DEVICE
    mapping = unpack("bus-fleet-austin", folder / "traces")
    shutil.copy(mapping, device / "bus.toml")
    file = tomllib.loads(mapping.read_text())["trace"]["file"]
    (device / file).symlink_to(mapping.parent / file)
    return made


def demand_refusal(done, path, line, key):
    code, output, messages = done
    told = [sentence for sentence in messages.splitlines() if f"{path}: line {line}: " in sentence]
    assert code == CONFIGURATION, f"exit {code}: {messages}"
    assert told, f"line {line} is not named: {messages}"
    _, named, reason = told[0].partition(f'"{key}"')
    assert named and len(reason.split()) >= 3, f"the key or the reason is missing: {told[0]}"
    assert output == ""


@pytest.mark.parametrize("program, table", [("longhaul-agent", AGENT), ("longhaul-collector", COLLECTOR)])
def test_every_key_of_the_example_has_a_wrong_value_here(program, table):
    shown = {(section, key) for _, section, key in keys_of(example(program))}
    assert shown == {(section, key) for section, keys in table.items() for key in keys}


def test_every_key_of_the_mappings_has_a_wrong_value_here():
    for mapping in top_folder().glob("firmware-sim/traces/*/*.toml"):
        for _, section, key in keys_of(mapping.read_text()):
            assert key in MAPPING[section], f"{mapping}: [{section}] {key}"


@pytest.mark.parametrize("page, table", [("agent.md", AGENT), ("operating.md", COLLECTOR), ("recordings.md", MAPPING)])
def test_the_manual_has_every_key(page, table):
    manual = (top_folder() / "docs" / page).read_text()
    named = set(re.findall(r"`(?:\w+\.)?(\w+)`", manual))
    assert [(section, key) for section, keys in table.items() for key in keys if key not in named] == []


def test_check_accepts_the_examples(site):
    device = site.devices / DEVICE
    (device / "example.toml").write_text(example("longhaul-agent"))
    code, _, messages = call(site.bin / "longhaul-agent", "check", "--config", device / "example.toml")
    assert code == 0, messages
    config = site.config.parent / "example.toml"
    config.write_text(example("longhaul-collector").replace(":7600", ":0"))  # the port may be in use here
    code, _, messages = call(site.bin / "longhaul-collector", "check", "--config", config)
    assert code == 0, messages


@pytest.mark.parametrize("section, key, value", cases(AGENT))
def test_agent(site, section, key, value):
    path = site.devices / DEVICE / "wrong.toml"
    text, line = spoilt(example("longhaul-agent"), section, key, value)
    path.write_text(text)
    demand_refusal(call(site.bin / "longhaul-agent", "check", "--config", path), path, line, key)


@pytest.mark.parametrize("section, key, value", cases(COLLECTOR))
def test_collector(site, section, key, value):
    path = site.config.parent / "wrong.toml"
    text, line = spoilt(example("longhaul-collector"), section, key, value)
    path.write_text(text)
    demand_refusal(call(site.bin / "longhaul-collector", "check", "--config", path), path, line, key)


@pytest.mark.parametrize("section, key, value", cases(MAPPING))
def test_mapping(site, section, key, value):
    path = site.devices / DEVICE / "wrong-mapping.toml"
    text, line = spoilt((site.devices / DEVICE / "bus.toml").read_text(), section, key, value)
    path.write_text(text)
    demand_refusal(call(site.bin / "longhaul-agent", "trace", "list", path), path, line, key)
