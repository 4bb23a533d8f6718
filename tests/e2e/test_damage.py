"""A spool whose file rots under a running agent: it is set aside, what can be read goes on, the rest is listed."""

import random

from longhaul_e2e.full import FullSpool
from longhaul_e2e.processes import wait_until
from longhaul_e2e.readers import connect
from longhaul_e2e.site import TENANT, Site

PAGE = 4096
SEED = 3
READINGS = 9000
PAGES = 4          # that rot
KEPT_IN_MEMORY = 600  # pages that the agent has in its cache, at most; what rots there does no harm


def rot(spool, chance):
    """Some pages in the middle of the file become zeros, as after a bad sector."""
    pages = spool.stat().st_size // PAGE
    assert pages > 2 * KEPT_IN_MEMORY, f"{spool} has only {pages} pages"
    with open(spool, "r+b") as file:
        for page in chance.sample(range(pages // 4, pages // 2), PAGES):
            file.seek(page * PAGE)
            file.write(bytes(PAGE))


def test_a_running_agent_goes_on_with_what_can_be_read(tmp_path):
    chance = random.Random(SEED)
    with Site(tmp_path / "site") as site:
        device = FullSpool(site, "bytes_max = 67108864", note=lambda number: f"{chance.getrandbits(3600):0900x}")
        device.start()
        device.put("reading", READINGS)
        rot(device.folder / "spool.db", chance)
        site.start_collector()
        wait_until(lambda: "could not be read; set aside as" in device.agent.messages(), f"the damage to be met, {device.agent.log}")
        wait_until(device.drained, "everything to be acknowledged")
        device.put("alert", 20)
        wait_until(device.drained, "everything to be acknowledged")
        assert device.agent.stop() == 0 and site.stop_collector() == 0
        code, report = site.audit()
        assert code == 0 and report["ok"], report
        rows = device.rows("reading")
        assert device.rows("alert") == 20
        assert READINGS - PAGES * 8 * 20 < rows < READINGS, "some of what lay on those pages is gone, and nothing else"
        listed = connect().execute(f"SELECT count(*) FROM delta_scan('{site.lake / TENANT / '_losses'}') "
                                   "WHERE reason IN ('corrupt', 'unreadable')").fetchone()[0]
        assert listed > 0
    assert (device.folder / "spool.db.damaged-1").exists()
