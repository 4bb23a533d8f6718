"""Spools without room, with real programs: dropped by policy, listed, and never without an account."""

import pytest

from longhaul_e2e.full import FullSpool, enlarge, small_disk
from longhaul_e2e.site import Site


def test_a_full_spool_drops_its_oldest_and_lists_them(tmp_path):
    with Site(tmp_path / "site") as site:
        spool = FullSpool(site, "bytes_max = 65536")
        spool.start()
        spool.put("reading", 6000)
        spool.put("alert", 50)
        assert spool.why()["spool_lost"] > 0
        spool.drain()
    assert spool.figures.wrong == []
    assert spool.figures.refused == 0
    assert spool.figures.lost_samples > 1000
    assert spool.stored["alert"] == 50


def test_a_power_cut_is_told_although_the_next_boot_is_dropped_whole(tmp_path):
    with Site(tmp_path / "site") as site:
        spool = FullSpool(site, "bytes_max = 65536")
        for _ in range(2):
            spool.start()
            spool.put("reading", 20)
            spool.agent.kill()
        spool.start()
        spool.put("reading", 6000)  # nothing of the boots before is left
        spool.drain()
    assert spool.figures.wrong == []
    # Of the class that stored something, and of any other; once each.
    assert spool.power_cuts() == [(1, 2, 1), (1, None, 1), (2, 2, 1), (2, None, 1)]


def test_a_class_that_stops_refuses_and_loses_nothing(tmp_path):
    with Site(tmp_path / "site") as site:
        # An alarm is a block each, and 50 of them take more than a tenth of this spool.
        spool = FullSpool(site, 'bytes_max = 65536\nalarm = {reserve_percent = 20}\nnormal = {when_full = "stop"}')
        spool.start()
        spool.put("reading", 3000)
        spool.put("alert", 50)
        spool.drain()
    assert spool.figures.wrong == []
    assert spool.figures.refused > 100
    assert spool.figures.lost_samples == 0
    assert spool.stored["alert"] == 50


def test_a_full_disk_is_as_a_full_spool(tmp_path):
    with Site(tmp_path / "site") as site:
        try:
            with small_disk(tmp_path / "disk", 2 << 20) as disk:
                spool = FullSpool(site, "bytes_max = 67108864", f"{disk}/spool.db")
                spool.start()
                spool.put("reading", 20_000)
                assert spool.agent.running()
                lost = spool.why()["spool_lost"]
                assert lost > 0, "the disk was never full"
                enlarge(disk, 32 << 20)
                spool.put("reading", 1000)  # until the agent has seen that there is room
                refused, lost = spool.figures.refused, spool.why()["spool_lost"]
                spool.put("reading", 3000)
                assert spool.figures.refused == refused
                assert spool.why()["spool_lost"] == lost
                spool.drain()
        except PermissionError as denied:
            pytest.skip(f"no small file system can be mounted here: {denied}")
    assert spool.figures.wrong == []
    assert spool.figures.lost_samples > 0
