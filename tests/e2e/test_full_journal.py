"""A collector whose journal's file system runs short, of bytes or of files: devices wait and go on by themselves, or, when nothing was kept
in reserve, the process ends before it acknowledges what is not on the disk. All of it comes, once."""

import os

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.full import small_disk
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import wait_until

DONE, RETRY = 0, 75
TAKES_EFFECT_S = 30  # a collector looks every ten
FILES = 400


@pytest.fixture
def site(tmp_path):
    with Operated(tmp_path / "site") as made:
        made.recording = forge(tmp_path / "forged", 17, devices=2)
        made.names = sorted(made.recording.devices)
        try:
            with small_disk(made.journal, 16 << 20, FILES):
                yield made
                made.close()  # before its disk goes
        except PermissionError as denied:
            pytest.skip(f"no small file system can be mounted here: {denied}")


def fill(folder, leave):
    """A file that takes all bytes but so many."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave)
    return ballast


def waiting(site):
    return site.metrics()['longhaul_sessions_waiting{reason="disk"}'] > 0


def waits_and_goes_on(site, name, give_way):
    """A device that begins now gets no credit until there is room."""
    site.add_devices([name], site.recording)
    agent = site.start_agent_for([name])
    wait_until(lambda: waiting(site), "the device to wait", TAKES_EFFECT_S)
    give_way()
    assert agent.wait(60)[0] == DONE
    assert "the journal has room again" in site.collector.messages()


def account(site):
    """Everything that the recording's devices have measured is there, once."""
    assert site.stop_collector() == DONE
    code, report = site.audit()
    assert code == DONE and report["totals"]["rows"] == site.recording.samples, report


def test_devices_wait_while_bytes_or_files_run_short(site):
    site.set_config("[journal]", "reserve_bytes = 4194304")
    site.start()
    ballast = fill(site.journal, 2 << 20)
    wait_until(lambda: "the journal's disk runs short" in site.collector.messages(), "the collector to see it", TAKES_EFFECT_S)
    waits_and_goes_on(site, site.names[0], ballast.unlink)

    crowd = [site.journal / f"file-{number}" for number in range(os.statvfs(site.journal).f_favail - 20)]
    for file in crowd:
        file.touch()
    wait_until(lambda: site.collector.messages().count("the journal's disk runs short") == 2, "the collector to see it", TAKES_EFFECT_S)
    waits_and_goes_on(site, site.names[1], lambda: [file.unlink() for file in crowd])
    account(site)


def test_a_journal_without_any_room_ends_the_process_and_loses_nothing(site):
    site.set_config("[journal]", "reserve_bytes = 0")
    site.start()
    ballast = fill(site.journal, 0)
    site.add_devices(site.names, site.recording)
    agent = site.start_agent()
    assert site.collector.wait(20)[0] == RETRY
    assert "takes nothing more: full: no space left on the disk" in site.collector.messages()
    assert agent.running()
    ballast.unlink()
    site.start()
    assert agent.wait(60)[0] == DONE
    account(site)
