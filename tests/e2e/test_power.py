"""The spool of a real agent whose power fails at seeded moments."""

from longhaul_e2e.power import PowerCuts
from longhaul_e2e.site import Site

CUTS = 20
SEED = 5


def test_a_put_that_was_answered_survives_every_cut(tmp_path):
    with Site(tmp_path / "site") as site:
        figures = PowerCuts(site, SEED).run(CUTS)
    assert figures.wrong == []
    assert figures.cuts == CUTS and figures.starts == CUTS + 1
    assert 0 < figures.acked <= figures.rows <= figures.acked + figures.doubtful
    assert figures.power_cuts_listed > 0
