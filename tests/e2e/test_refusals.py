"""Hostile devices: each is refused with its sentence and counted, and the collector goes on serving the others."""

import re
import socket
import ssl

import pytest
from conftest import GOOD, OTHER

from longhaul_e2e import compare, wire
from longhaul_e2e.processes import PATIENCE, wait_until
from longhaul_e2e.recordings import only
from longhaul_e2e.site import TENANT, Site
from longhaul_e2e.wire import BLOCK, DENIED, EPOCH, HELLO, PROTOCOL, SCHEMA, VERSION, Link, frame, hello

def with_epoch(block, epoch):
    return block[:8] + epoch.to_bytes(4, "little") + block[12:]


# What a device sends behind a good handshake, from the spools of two devices; reason; sentence.
# The first two come before any genuine schema and epoch, for what is known already is dropped unread.
FRAMES = {
    "an epoch without its schema": (lambda a, b: hello(a.incarnation) + frame(EPOCH, a.epoch), PROTOCOL,
                                    "has not come"),
    "an epoch that was changed": (lambda a, b: hello(a.incarnation) + frame(SCHEMA, a.schema) +
                                  frame(EPOCH, a.epoch.replace(b"longhaul-agent", b"longhaul-tnega")), PROTOCOL,
                                  "epoch record: "),
    "garbage": (lambda a, b: b"\xff" * 300, PROTOCOL, "unsupported: frame type"),
    "a request of the web": (lambda a, b: b"GET / HTTP/1.1\r\n\r\n", PROTOCOL, "unsupported: frame type"),
    "a reserved frame": (lambda a, b: hello(a.incarnation) + frame(5), PROTOCOL, "unsupported: frame type"),
    "a frame of 16 MiB": (lambda a, b: frame(BLOCK, length=2**24 - 1), PROTOCOL, "too large: frame"),
    "a Hello that is too long": (lambda a, b: frame(HELLO, length=1192), PROTOCOL, "too large: frame"),
    "a block that is too long": (lambda a, b: a.introduction() + frame(BLOCK, length=16405), PROTOCOL, "too large: frame"),
    "no Hello": (lambda a, b: frame(BLOCK, a.blocks[0]), PROTOCOL, "the first frame is no Hello"),
    "a Hello that is no message": (lambda a, b: frame(HELLO, b"\xff" * 20), PROTOCOL, "Hello cannot be read"),
    "a Hello of the next version": (lambda a, b: hello(a.incarnation, protocol=2), VERSION,
                                    "protocol 2 is not spoken here, only 1"),
    "two Hellos": (lambda a, b: hello(a.incarnation) * 2, PROTOCOL, "a second Hello"),
    "a collector's frame": (lambda a, b: hello(a.incarnation) + frame(wire.ACK), PROTOCOL, "a device may not send Ack"),
    "a schema that is empty": (lambda a, b: hello(a.incarnation) + frame(SCHEMA), PROTOCOL, "schema: "),
    "a schema that is cut": (lambda a, b: hello(a.incarnation) + frame(SCHEMA, a.schema[:-1]), PROTOCOL, "schema: "),
    "a schema with more behind it": (lambda a, b: hello(a.incarnation) + frame(SCHEMA, a.schema + b"\0"), PROTOCOL,
                                     "schema: malformed"),
    "a schema of another version": (lambda a, b: hello(a.incarnation) + frame(SCHEMA, b"\x09" + a.schema[1:]), PROTOCOL,
                                    "schema: unsupported"),
    "an epoch that is cut": (lambda a, b: hello(a.incarnation) + frame(EPOCH, a.epoch[:-1]), PROTOCOL,
                             "epoch record: truncated"),
    "an epoch of another device": (lambda a, b: hello(b.incarnation) + frame(SCHEMA, b.schema) + frame(EPOCH, b.epoch),
                                   PROTOCOL, "names another device than the certificate"),
    "an epoch of another incarnation": (lambda a, b: hello(a.incarnation ^ 1) + frame(SCHEMA, a.schema) +
                                        frame(EPOCH, a.epoch), PROTOCOL, "another incarnation than the Hello"),
    "a block of an unknown epoch": (lambda a, b: a.introduction() + frame(BLOCK, with_epoch(a.blocks[0], 9)), PROTOCOL,
                                    "block of epoch 9 whose record has not come"),
    "a block of epoch 0": (lambda a, b: a.introduction() + frame(BLOCK, with_epoch(a.blocks[0], 0)),
                           PROTOCOL, "block: malformed"),
    "a block without its end": (lambda a, b: a.introduction() + frame(BLOCK, a.blocks[0][:-1]), PROTOCOL,
                                "block: truncated: block body"),
    "a block with more behind it": (lambda a, b: a.introduction() + frame(BLOCK, a.blocks[0] + b"\0"), PROTOCOL,
                                    "bytes after the block"),
    "a block without a header": (lambda a, b: a.introduction() + frame(BLOCK, a.blocks[0][:19]), PROTOCOL,
                                 "block: truncated: block header"),
    "a block of another version": (lambda a, b: a.introduction() + frame(BLOCK, b"\2" + a.blocks[0][1:]), PROTOCOL,
                                   "block version"),
    "a block with flags": (lambda a, b: a.introduction() + frame(BLOCK, a.blocks[0][:1] + b"\1" + a.blocks[0][2:]),
                           PROTOCOL, "block flags"),
    "nothing": (lambda a, b: b"", PROTOCOL, "no Hello came in time"),
    "half a Hello": (lambda a, b: hello(a.incarnation)[:-3], PROTOCOL, "no Hello came in time"),
}


def refused_lines(site):
    return site.collector.messages().count(" refused ")


def demand_service(site, sealed):
    """A good device is welcome."""
    with Link(site.port, site.devices / OTHER) as link:
        link.send(hello(sealed[OTHER].incarnation))
        assert len(link.expect(wire.WELCOME)[1]) == 16, "the Welcome names no journal"


def demand_counted(site, before):
    wait_until(lambda: refused_lines(site) > before, f"a line with \"refused\" in {site.collector.log}", 10)
    assert refused_lines(site) == before + 1, f"refused once, counted otherwise, see {site.collector.log}"


@pytest.mark.parametrize("name", FRAMES)
def test_frames(site, sealed, name):
    make, reason, sentence = FRAMES[name]
    before = refused_lines(site)
    with Link(site.port, site.devices / GOOD) as link:
        said = link.send(make(sealed[GOOD], sealed[OTHER])).bye()
    assert said is not None, f"the collector closed without a Bye, see {site.collector.log}"
    assert said[0] == reason and sentence in said[1], said
    demand_counted(site, before)
    demand_service(site, sealed)


@pytest.mark.parametrize("part", [1, 3, 4, 20])
def test_frames_that_end_in_the_middle(site, sealed, part):
    """The line broke: nothing to refuse, nothing to say."""
    with Link(site.port, site.devices / GOOD) as link:
        link.send(hello(sealed[GOOD].incarnation) + frame(SCHEMA, sealed[GOOD].schema)[:part])
        link.expect(wire.WELCOME)
        link.half_close()
        assert link.bye() is None
    demand_service(site, sealed)


# --- who may come in -------------------------------------------------------------------------------------
def refused_in_the_handshake(site, **certificates):
    """TLS 1.3 tells a client only when it reads that the server did not like its certificate."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with Link(site.port, root=site.authority / "root.crt", **certificates) as link:
            assert link.send(hello(1)).next_frame() is not None
            pytest.fail("the collector answered")
        raise ConnectionError("closed without a word")


def test_a_certificate_of_another_authority(site, sealed, tmp_path):
    stranger = Site(tmp_path / "stranger")  # it names the same environment, tenant and device
    stranger.add_devices([GOOD], collector=site.port)
    before = refused_lines(site)
    refused_in_the_handshake(site, device=stranger.devices / GOOD)
    demand_counted(site, before)
    demand_service(site, sealed)


def test_no_certificate(site, sealed):
    before = refused_lines(site)
    refused_in_the_handshake(site)
    demand_counted(site, before)
    demand_service(site, sealed)


REGISTRY = {
    "revoked": ("UPDATE devices SET state = 'revoked' WHERE name = ?", "is revoked"),
    "removed": ("DELETE FROM devices WHERE name = ?", "is not registered"),
}


@pytest.mark.parametrize("state", REGISTRY)
def test_a_device_that_may_not_come_in(site, sealed, state):
    statement, sentence = REGISTRY[state]
    before = refused_lines(site)
    site.registry(statement, GOOD)
    try:
        with Link(site.port, site.devices / GOOD) as link:
            said = link.send(hello(sealed[GOOD].incarnation)).bye()
    finally:
        site.registry("INSERT OR REPLACE INTO devices VALUES (?, ?, 'allowed')", TENANT, GOOD)
    assert said == (DENIED, f'device "{GOOD}" of tenant "{TENANT}" {sentence}')
    demand_counted(site, before)
    demand_service(site, sealed)


def test_another_application_protocol(site, sealed):
    before = refused_lines(site)
    with Link(site.port, site.devices / GOOD, alpn=None) as link:
        said = link.send(hello(sealed[GOOD].incarnation)).bye()
    assert said == (DENIED, "the device did not ask for the protocol longhaul/1")
    demand_counted(site, before)
    demand_service(site, sealed)


PLAIN = {"nothing": b"", "a request of the web": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "zeros": bytes(4096),
         "the beginning of TLS": bytes.fromhex("1603010200010001fc0303"), "a frame": hello(1)}


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_not_tls(site, sealed, name):
    before = refused_lines(site)
    with socket.create_connection(("127.0.0.1", site.port), timeout=20 * PATIENCE) as plain:
        plain.sendall(PLAIN[name])
        try:
            while plain.recv(4096):
                pass  # an alert, and the end
        except ConnectionResetError:
            pass
    demand_counted(site, before)
    demand_service(site, sealed)


# --- afterwards ------------------------------------------------------------------------------------------
def test_a_real_agent_reads_why(site):
    """A revoked device keeps its blocks and says on its log what the collector said."""
    site.registry("UPDATE devices SET state = 'revoked' WHERE name = ?", OTHER)
    agent = None
    try:
        for name in (GOOD, OTHER):
            config = site.devices / name / "agent.toml"
            config.write_text(config.read_text().replace("127.0.0.1:1\"", f"127.0.0.1:{site.port}\""))
        agent = site.start_agent()
        wait_until(lambda: f'the collector says: device "{OTHER}" of tenant "{TENANT}" is revoked' in agent.messages(),
                   f"the collector's sentence in {agent.log}")
    finally:
        site.registry("UPDATE devices SET state = 'allowed' WHERE name = ?", OTHER)
        if agent is not None:
            agent.stop()


def test_nothing_was_harmed(site, sealed):
    """The good device's rows are all there, and the count of refusals is what the log told."""
    agent = site.start_agent_for([GOOD])
    assert agent.wait(60)[0] == 0, f"see {agent.log}"
    assert site.stop_collector() == 0, f"see {site.collector.log}"
    messages = site.collector.messages()
    accepted, refused = map(int, re.search(r"connections accepted=(\d+) refused=(\d+)", messages).groups())
    assert refused == refused_lines(site) and accepted > refused
    assert " ended_by_exception=0 " in messages
    assert site.audit(drained=False)[0] == 0
    values, wrong = compare.check(only(site.recording, [GOOD]), site.lake, TENANT, {GOOD})
    assert values > 0 and not wrong, wrong
