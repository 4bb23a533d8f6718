"""A spool that is taken out of its device as a file: whoever has it can hand it to the collector, once and for all."""

import json

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, wait_until
from longhaul_e2e.site import Site
from longhaul_e2e.wire import ACK, BLOCK, BYE_OF_DEVICE, EPOCH, HELLO, SCHEMA, WELCOME, Link, export, frame, frames_of, parse


@pytest.fixture()
def site(tmp_path):
    """A site, and a device whose spool has everything that its recording holds; nobody listened."""
    recording = forge(tmp_path / "forged", 11, devices=1)
    with Site(tmp_path / "site") as made:
        made.start_collector()
        made.recording = recording
        made.name, = recording.devices
        made.add_devices([made.name], recording, block_bytes=512)
        made.spool = made.devices / made.name / "spool.db"
        made.stop_collector()
        agent = made.start_agent()
        wait_until(lambda: f"{recording.samples} samples" in agent.messages(), "all samples to be in the spool")
        agent.stop()
        made.start_collector()
        yield made


def kinds_of(frames):
    return [kind for kind, _ in frames]


def acked_by(body):
    """How many blocks an Ack names."""
    count, at = 0, 0
    while at < len(body):
        tag, at = body[at], at + 1
        if tag & 7 == 2:
            size = body[at]
            if tag >> 3 == 3:
                said = parse(body[at + 1:at + 1 + size])
                count += said[3] - said[2] + 1
            at += 1 + size
        else:  # a number
            at += next(i for i in range(10) if body[at + i] < 128) + 1
    return count


def test_an_exported_spool_is_the_devices_half_of_a_session(site):
    frames = frames_of(export(site.spool))
    kinds = kinds_of(frames)
    assert kinds[0] == HELLO and kinds[-1] == BYE_OF_DEVICE
    assert kinds.index(SCHEMA) < kinds.index(EPOCH) < kinds.index(BLOCK)
    blocks = kinds.count(BLOCK)
    assert blocks > 10

    acked = 0
    with Link(site.port, site.devices / site.name) as link:
        link.send(b"".join(frame(kind, body) for kind, body in frames[:-1]))
        link.expect(WELCOME)
        while acked < blocks:
            kind, body = link.next_frame()
            acked += acked_by(body) if kind == ACK else 0
    assert acked == blocks

    # The device comes back later and sends the same once more.
    assert site.start_agent().wait()[0] == 0
    assert site.stop_collector() == 0
    code, report = site.audit()
    assert code == 0 and report["ok"], report
    assert report["totals"]["resent"] >= blocks and report["totals"]["duplicates"] == 0

    # Now nothing waits, and all is kept.
    assert kinds_of(frames_of(export(site.spool))) == [HELLO, BYE_OF_DEVICE]
    assert kinds_of(frames_of(export(site.spool, "--all"))).count(BLOCK) >= blocks


def test_a_spool_is_inspected_and_verified_and_not_changed(site):
    agent = site.bin / "longhaul-agent"
    code, output, messages = call(agent, "spool", "inspect", "--json", site.spool)
    assert (code, messages) == (0, "")
    found = json.loads(output)
    assert sum(each["samples_waiting"] for each in found["blocks"]) == site.recording.samples
    assert found["problems"] == [] and found["losses"] == []
    assert call(agent, "spool", "verify", site.spool)[0] == 0

    # A block's bytes stand in the file as they were sealed; one of them flips.
    whole = site.spool.read_bytes()
    sealed = next(body for kind, body in frames_of(export(site.spool)) if kind == BLOCK)
    at = whole.index(sealed[-16:])
    flipped = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:]
    site.spool.write_bytes(flipped)
    code, output, _ = call(agent, "spool", "verify", site.spool)
    assert code == 1 and "damaged: class " in output
    assert site.spool.read_bytes() == flipped


def test_a_spool_in_use_is_left_alone(site):
    site.stop_collector()  # so that the agent stays
    before = site.agents[0].messages()
    agent = site.start_agent()
    wait_until(lambda: len(agent.messages()) > len(before), "the agent to say something")
    code, _, messages = call(site.bin / "longhaul-agent", "spool", "export", site.spool, site.folder / "x.session")
    assert code == 65 and "the agent has it open; stop it" in messages
    agent.stop()
