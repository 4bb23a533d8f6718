"""A model is added to a collector; devices get it, and use it from their next start on. A collector that has lost it
puts blocks aside, and lets them into the tables as soon as it has it again."""

import json
import signal

import pytest

from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.readers import connect
from longhaul_e2e.site import TENANT, Site

SAMPLES = 600
MAPPING = """[trace]
file = "doors.csv"
format = "csv"
separator = ","
device_name = "hall-1"
stream = "doors"

[time]
column = "time"
format = "iso8601"

[schema]
name = "doors"
class = "bulk"
deadline_ms = 300

[[field]]
name = "number"
kind = "integer"

[[field]]
name = "note"
kind = "text"
"""


def note_of(number):
    return f"the door {number * 7919 % 1009} of the hall was opened by somebody with the card {number * 104729 % 99991:05d}"


class Doors:
    """A recording whose texts are all different and much alike."""

    def __init__(self, folder, first=0, samples=SAMPLES, device="hall-1"):
        folder.mkdir()
        self.mapping = folder / "mapping.toml"
        self.mapping.write_text(MAPPING.replace("hall-1", device))
        lines = [f"2026-03-01T12:{at // 60 % 60:02d}:{at % 60:02d}Z,{first + at},{note_of(first + at)}"
                 for at in range(samples)]
        (folder / "doors.csv").write_text("\n".join(["time,number,note", *lines]) + "\n")


def model_of(dictionary):
    """Without columns: all begin as in model 0."""
    length = len(dictionary)
    return bytes([1, 0, length & 127 | 128, length >> 7]) + dictionary


class ModelSite(Site):
    def __init__(self, folder):
        super().__init__(folder)
        self.model = folder / "doors.model"
        self.model.write_bytes(model_of(b" ".join(note_of(at).encode() for at in range(3000, 3030))))

    def add_model(self):
        return demand(self.bin / "longhaul", "model", "add", self.model, "--schema", "doors",
                      "--config", self.config).strip()

    def models(self):
        return json.loads(demand(self.bin / "longhaul", "model", "list", "--config", self.config, "--json"))["models"]

    def reload(self):
        before = len(self.collector.messages())
        self.collector.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "models added" in self.collector.messages()[before:], "the reload", 20)

    def replay(self):
        """One more epoch with all samples."""
        agent = self.start_agent()
        code, _ = agent.wait()
        assert code == 0, agent.messages()

    def replay_and_come_late(self):
        """The same, but everything is sealed before the collector is there."""
        assert self.stop_collector() == 0
        before = len(self.agents[-1].messages())
        agent = self.start_agent()
        wait_until(lambda: f"{SAMPLES} samples" in agent.messages()[before:], "all samples to be in the spool")
        self.start_collector()
        code, _ = agent.wait()
        assert code == 0, agent.messages()

    def journalled(self, kind):
        lines = demand(self.bin / "longhaul", "inspect", "journal", self.journal, "--json").splitlines()
        return [entry for entry in map(json.loads, lines) if entry.get("kind") == kind]

    def block_bytes(self, epoch, device="hall-1"):
        """What an epoch's blocks take as they were sealed."""
        return sum(entry["bytes"] for entry in self.journalled("block")
                   if entry["epoch"] == epoch and entry["device"] == device)

    def model_of_epoch(self, epoch, device="hall-1"):
        record, = (entry for entry in self.journalled("epoch") if entry["epoch"] == epoch and entry["device"] == device)
        return record["streams"][0].get("model")

    def rows(self, epoch):
        return connect().execute(f"select number, note from delta_scan('{self.lake / TENANT / 'doors'}') "
                                 f"where epoch = {epoch} order by number").fetchall()

    def counted(self):
        code, report = self.audit(drained=False)
        assert code == 0, report
        return report["totals"]


@pytest.fixture()
def site(tmp_path):
    recording = Doors(tmp_path / "doors")
    with ModelSite(tmp_path / "site") as made:
        made.start_collector()
        made.add_devices(["hall-1"], recording, block_bytes=512)  # small blocks gain most
        made.replay()  # epoch 1: nobody has a model; now the collector knows the schema
        yield made


def test_a_model_is_offered_kept_and_used_from_the_next_start_on(site):
    name = site.add_model()
    assert [(each["model"], each["schema"], each["offered"]) for each in site.models()] == [(name, "doors", True)]
    site.reload()
    site.replay()  # what is sealed before the model is here does without
    site.replay()
    assert site.stop_collector() == 0
    assert site.model_of_epoch(1) is None and site.model_of_epoch(3) == name
    assert [entry["hash"] for entry in site.journalled("model")] == [name]
    assert site.block_bytes(3) < 0.9 * site.block_bytes(1)

    expected = [(at, note_of(at)) for at in range(SAMPLES)]
    assert site.rows(1) == expected and site.rows(3) == expected
    code, report = site.audit()
    assert code == 0 and report["ok"], report
    assert report["totals"]["rows"] == 3 * SAMPLES and report["totals"]["quarantined"] == 0
    print(f"{site.block_bytes(1)} bytes without the model, {site.block_bytes(3)} with it")


def test_a_model_that_is_trained_with_examples_and_codec_3_go_the_whole_way(site, tmp_path):
    config = site.devices / "hall-1" / "agent.toml"
    config.write_text(config.read_text() + 'codecs = ["range", "zstd", "mixed"]\n')  # of [block], which is the last table
    site.replay()
    other = Doors(tmp_path / "others", first=5000, samples=1200)
    trained = json.loads(demand(site.bin / "longhaul", "model", "train", "--traces", other.mapping, "--out", site.model,
                                "--json"))
    assert trained["written"], trained
    name = site.add_model()
    assert name == trained["model"]
    site.reload()
    site.replay()
    site.replay()
    assert site.stop_collector() == 0
    assert site.model_of_epoch(4) == name
    sizes = [site.block_bytes(epoch) for epoch in (1, 2, 4)]
    print(f"{sizes} bytes without codec 3, with it, with it and a model")
    assert sizes[1] < 0.9 * sizes[0] and sizes[2] < 0.8 * sizes[1]
    assert site.rows(4) == [(at, note_of(at)) for at in range(SAMPLES)]
    code, report = site.audit()
    assert code == 0 and report["ok"], report
    assert report["totals"]["rows"] == 4 * SAMPLES and report["totals"]["quarantined"] == 0


def test_a_model_that_is_trained_from_the_lake_makes_later_blocks_smaller(site, tmp_path):
    site.add_devices(["hall-2"], Doors(tmp_path / "more", first=20000, device="hall-2"), block_bytes=512)
    site.replay()  # epoch 2 of hall-1, epoch 1 of hall-2: one device is trained on, the other one held out
    wait_until(lambda: site.audit(drained=True)[0] == 0, "all rows", 30)
    trained = json.loads(demand(site.bin / "longhaul", "model", "train", "--lake", site.config, "--schema", "doors",
                                "--out", site.model, "--json"))
    assert trained["written"] and trained["training_samples"] + trained["held_out_samples"] == 3 * SAMPLES, trained
    assert site.add_model() == trained["model"]
    site.reload()
    site.replay()
    site.replay()
    assert site.stop_collector() == 0
    assert site.model_of_epoch(4) == site.model_of_epoch(3, "hall-2") == trained["model"]
    assert site.block_bytes(4) < 0.9 * site.block_bytes(1) and site.block_bytes(3, "hall-2") < 0.9 * site.block_bytes(1, "hall-2")
    code, report = site.audit()
    assert code == 0 and report["ok"], report
    assert report["totals"]["rows"] == 7 * SAMPLES and report["totals"]["quarantined"] == 0


def test_a_model_of_another_schema_is_refused(site):
    site.model.write_bytes(bytes([1, 4, 0, 0, 0, 0, 0]))  # columns for a third field
    code, _, complaint = call(site.bin / "longhaul", "model", "add", site.model, "--schema", "doors",
                                "--config", site.config)
    assert code == 65 and "is no model for doors" in complaint
    assert site.models() == []


def test_blocks_whose_model_is_lost_wait_and_are_released_when_it_is_back(site):
    name = site.add_model()
    site.replay_and_come_late()
    assert site.stop_collector() == 0
    assert site.model_of_epoch(2) is None and site.journalled("model") == []
    site.registry("delete from models")  # it comes back from an older copy
    site.start_collector()
    site.replay()
    assert site.model_of_epoch(3) == name and site.journalled("model") == []
    sent = len([entry for entry in site.journalled("block") if entry["epoch"] == 3])
    wait_until(lambda: site.counted()["quarantined"] == sent, "the blocks to be in quarantine", 30)
    assert site.rows(3) == []
    reason, count, least = connect().execute(
        f"select reason, count(*), min(octet_length(content)) from delta_scan('{site.lake / TENANT / '_quarantine'}') "
        "group by reason").fetchone()
    assert reason == f"unknown model: {name}" and count == sent and least > 36

    site.add_model()
    site.reload()
    wait_until(lambda: site.counted()["released"] == sent, "the blocks to be released", 30)
    assert site.rows(3) == [(at, note_of(at)) for at in range(SAMPLES)]
    assert "a block is released from quarantine" in site.collector.messages()
    assert site.stop_collector() == 0
    site.start_collector()  # it reads the journal again: nothing comes twice
    assert site.stop_collector() == 0
    code, report = site.audit()
    assert code == 0 and report["ok"], report
    assert report["totals"]["quarantined"] == 0 and report["totals"]["released"] == sent
    assert report["totals"]["rows"] == 3 * SAMPLES
