"""What a thief gets: every file of real devices and of a real collector, but for its tables, is searched for what was measured."""

import struct

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, wait_until
from longhaul_e2e.readers import read_table
from longhaul_e2e.site import TENANT, Site, programs_folder

MAPPING = """[trace]
file = "secret.csv"
format = "csv"
separator = ","
device = ["machine"]
device_prefix = "forged-"
stream = "secrets"

[time]
column = "time"
format = "iso8601"

[schema]
name = "secrets"
class = "normal"
deadline_ms = 300

[[field]]
name = "count"
kind = "integer"

[[field]]
name = "real"
kind = "float64"

[[field]]
name = "note"
kind = "text"
"""
SAMPLES = 300


def values(n):
    """Large and without pattern, so that none is anywhere by chance."""
    count = pow(3, 5000 + n, 2**61 - 1)
    return count, count / 7919, f"confidential remark no. {1000 + n}"


def forms(n):
    count, real, note = values(n)
    return [note.encode(), str(count).encode(), repr(real).encode(), struct.pack("<q", count), struct.pack(">q", count),
            struct.pack("<d", real), struct.pack(">d", real)]


def found(files):
    """How many samples can be seen in the files, in any form."""
    content = b"\0".join(file.read_bytes() for file in files if file.is_file())
    return len(content), sum(any(form in content for form in forms(n)) for n in range(SAMPLES))


def test_nothing_readable_lies_outside_of_the_tables(tmp_path):
    recording = forge(tmp_path / "forged", 1, devices=1)  # for its form only
    recording.mapping.write_text(MAPPING)
    lines = [f"A,2024-03-01T00:{n // 60:02d}:{n % 60:02d}.000000+00:00,{count},{real!r},{note}"
             for n in range(SAMPLES) for count, real, note in [values(n)]]
    (recording.mapping.parent / "secret.csv").write_text("\n".join(["machine,time,count,real,note", *lines]) + "\n")
    assert found([recording.mapping.parent / "secret.csv"])[1] == SAMPLES, "the search finds nothing where all is"

    with Site(tmp_path / "site") as site:
        site.add_devices(["forged-a"], recording, collector=1)
        device = site.devices / "forged-a"
        agent = site.start_agent()
        wait_until(lambda: f"{SAMPLES} samples" in agent.messages(), f"all samples in {agent.log}")
        while_it_runs = found(device.rglob("*"))
        agent.kill()  # what the write-ahead log holds stays where it is
        assert while_it_runs[1] == 0 and found(device.rglob("*"))[1] == 0
        assert call(programs_folder() / "longhaul-agent", "spool", "export", device / "spool.db", tmp_path / "session")[0] == 0
        assert found([tmp_path / "session"])[1] == 0

        site.start_collector("--log-level", "debug")
        config = device / "agent.toml"
        config.write_text(config.read_text().replace("127.0.0.1:1\"", f"127.0.0.1:{site.port}\""))
        assert site.start_agent().wait(60)[0] == 0
        assert site.stop_collector() == 0
        outside = [path for path in site.folder.rglob("*") if site.lake not in path.parents]
        size, seen = found(outside)
        assert seen == 0 and size > SAMPLES * 20
        table = read_table(site.lake / TENANT / "secrets", ["count", "real", "note"]).to_pydict()
        assert set(zip(*table.values())) == {values(n) for n in range(SAMPLES)}
