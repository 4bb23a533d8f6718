"""The road in small: recordings of every sort, the collector killed with -9, every value in every reader but Spark."""

from pathlib import Path

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.road import Plan, Road, read_recordings
from longhaul_e2e.site import Site



# `share`: every which device of a fleet plays; `lines_max`: of a recording of one device.
@pytest.mark.parametrize("seed, agent_kills, share, lines_max", [(1, 0, 8, 1500), (2, 1, 16, 800)])
def test_every_sample_stands_in_its_table_once(tmp_path: Path, seed: int, agent_kills: int, share: int, lines_max: int):
    recs = [*read_recordings(tmp_path / "traces", share, lines_max), forge(tmp_path / "forged", seed)]
    with Site(tmp_path / "site") as site:
        plan = Plan(seed, collector_kills=3, agent_kills=agent_kills, replay_s=6)
        figures = Road(site, recs, plan, print).run()
    assert not figures.wrong, "\n".join([*figures.wrong, f"look in {tmp_path}"])
    assert figures.collector_kills >= 3
    assert figures.agent_kills == agent_kills
    assert figures.rows >= figures.samples > 5000
