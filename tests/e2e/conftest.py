"""What several tests share: one site with a collector, and a device whose spool holds genuine blocks."""

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import PATIENCE, wait_until
from longhaul_e2e.site import Site
from longhaul_e2e.wire import Sealed

GOOD, OTHER = "forged-a", "forged-b"
DEADLINE_S = int(3 * PATIENCE)  # for the handshake, and again for the Hello


def fill_spool(site, recording):
    """Lets an agent seal what its recording holds while it cannot reach anybody."""
    site.add_devices([GOOD, OTHER], recording, collector=1, block_bytes=1024)
    agent = site.start_agent()
    wait_until(lambda: f"{recording.samples} samples" in agent.messages(), f"{recording.samples} samples in {agent.log}")
    agent.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    recording = forge(folder / "forged", 7, devices=2)
    with Site(folder / "site") as made:
        made.set_config("[journal]", "segment_bytes = 1048576")
        with open(made.config, "a", encoding="utf-8") as config:
            config.write(f"\n[session]\nhello_deadline_s = {DEADLINE_S}\nhandshake_deadline_s = {DEADLINE_S}\n")
        made.recording = recording
        made.start_collector()
        fill_spool(made, recording)
        yield made


@pytest.fixture(scope="module")
def sealed(site):
    return {name: Sealed.of(site.devices / name / "spool.db") for name in (GOOD, OTHER)}
