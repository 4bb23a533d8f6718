"""SIGTERM: what was accepted is finished and committed, and the process ends with 0 within ten seconds, whatever it is at."""

import fcntl
import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import PATIENCE, wait_until
from longhaul_e2e.site import TENANT, Site

LIMIT_S = 13 * PATIENCE  # ten are promised, and then somebody has to notice
ROWS_A_COMMIT = 100


@pytest.fixture()
def site(tmp_path):
    with Site(tmp_path / "site", commit_interval_s=3600) as made:
        made.set_config("[lake]", "state_interval_s = 3600\nupkeep_interval_s = 3600")
        yield made


def send(site, recording):
    """All of it is acknowledged."""
    site.start_collector()
    site.add_devices(sorted(recording.devices), recording, block_bytes=512)
    agent = site.start_agent()
    assert agent.wait(120)[0] == 0, agent.messages()


def set_value(site, key, value):
    lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in site.config.read_text().splitlines()]
    site.config.write_text("\n".join(lines) + "\n")


def stop_in_time(site):
    asked = time.monotonic()
    assert site.stop_collector() == 0
    assert time.monotonic() - asked <= LIMIT_S


def files(site):
    return sorted((site.lake / TENANT / "workshop").glob("receive_date=*/*.parquet"))


@contextmanager
def who_opens_waits(path):
    """A file that does not answer: whoever opens it waits, for as long as this lasts. Yields what tells that somebody does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    file = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as denied:
            pytest.skip(f"no lease of a file here: {denied}")
        yield lambda: signal.sigtimedwait({signal.SIGIO}, 60 * PATIENCE) is not None
    finally:
        os.close(file)
        signal.sigtimedwait({signal.SIGIO}, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})


def check_all(site, recording):
    code, report = site.audit()
    assert code == 0 and report["totals"]["rows"] == recording.samples, report


def test_a_large_barrier_is_finished(site, tmp_path):
    recording = forge(tmp_path / "forged", 31, devices=2, samples=20_000)
    send(site, recording)
    assert files(site) == [], "nothing is committed before"
    stop_in_time(site)
    assert "no time to commit" not in site.collector.messages()
    check_all(site, recording)


def test_a_compaction_that_a_disk_holds_up_is_left(site, tmp_path):
    recording = forge(tmp_path / "forged", 32, devices=2, samples=20_000)
    site.set_config("[lake]", f"rows_max = {ROWS_A_COMMIT}")
    send(site, recording)
    stop_in_time(site)
    assert len(files(site)) >= 16, "as many as are merged before their day is over"

    set_value(site, "upkeep_interval_s", 1)
    with who_opens_waits(files(site)[0]) as somebody_waits:
        site.start_collector()
        assert somebody_waits(), "the compaction to open it"
        stop_in_time(site)
    assert "as if a disk did not answer" in site.collector.messages()
    check_all(site, recording)

    # The next one does it, and takes nothing for its own that was left.
    site.start_collector()
    merged = wait_until(lambda: [file for file in files(site) if "merged-" in file.name], "the files to be merged")
    assert len(merged) == 1
    stop_in_time(site)
    check_all(site, recording)


def test_a_log_that_nobody_reads_holds_up_nothing(site, tmp_path):
    site.start_collector()
    stop_in_time(site)
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    port = tmp_path / "port"
    with subprocess.Popen([site.bin / "longhaul-collector", "run", "--config", site.config, "--port-file", port], stderr=write) as collector:
        try:
            wait_until(lambda: port.exists() and port.read_text().strip(), "the collector to listen")
            os.set_blocking(write, False)
            for size in (512, 1):
                with suppress(BlockingIOError):
                    while True:
                        os.write(write, b"x" * size)
            os.set_blocking(write, True)
            asked = time.monotonic()
            collector.terminate()
            assert collector.wait(60 * PATIENCE) == 0
            assert time.monotonic() - asked <= LIMIT_S
        finally:
            collector.kill()
            os.close(read)
            os.close(write)
