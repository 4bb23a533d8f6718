"""A device of one tenant tries everything against another's, which has a device of the same name: nothing of it counts."""

import json
import re
import subprocess

import pytest
from test_enrolment import enrol_frame, exchange, secret_of

from longhaul_e2e import readers, wire
from longhaul_e2e.certificates import Authority, issue
from longhaul_e2e.forged import forge
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import call, demand, wait_until
from longhaul_e2e.site import ENVIRONMENT, TENANT, programs_folder
from longhaul_e2e.wire import ACK, BLOCK, DENIED, EPOCH, PROTOCOL, RENEW, RENEWED, SCHEMA, Link, Sealed, frame, hello, parse

LONGHAUL, AGENT = programs_folder() / "longhaul", programs_folder() / "longhaul-agent"
RIVAL = "rival"  # the attacker's tenant
SAME = "forged-a"  # a device of both


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Both have sealed something, and the victim has sent it; the rival is about to."""
    folder = tmp_path_factory.mktemp("tenants")
    with Operated(folder / "site", tenants=(TENANT, RIVAL)) as made:
        for tenant in (TENANT, RIVAL):
            demand(LONGHAUL, "tenant", "enrolment", tenant, "--dir", made.authority)
        with open(made.config, "a", encoding="utf-8") as config:
            config.write('\n[enrolment]\nlisten = "127.0.0.1:0"\n')
        made.folders = {TENANT: made.folder / TENANT, RIVAL: made.folder / RIVAL}
        made.recordings = {TENANT: forge(folder / "of-victim", 21, devices=1), RIVAL: forge(folder / "of-rival", 22, devices=1)}
        made.sealed = {}
        for tenant, its in made.folders.items():
            made.add_devices([SAME], made.recordings[tenant], collector=1, tenant=tenant, folder=its, block_bytes=1024)
            agent = made.start_agent(its)
            samples = made.recordings[tenant].samples
            wait_until(lambda: f"{samples} samples" in agent.messages(), f"the agent of {tenant} to seal")  # noqa: B023
            agent.stop()
            made.sealed[tenant] = Sealed.of(its / SAME / "spool.db")
        port_file = made.folder / "enrolment-port"
        made.start("--enrolment-port-file", port_file)
        made.enrolment = f"127.0.0.1:{int(port_file.read_text())}"
        victim = made.sealed[TENANT]
        with as_victim(made) as link:
            link.send(victim.introduction()).expect(wire.WELCOME)
            send_all(link, victim.blocks)
        yield made


def as_rival(site):
    return Link(site.port, site.folders[RIVAL] / SAME)


def as_victim(site):
    return Link(site.port, site.folders[TENANT] / SAME)


def send_all(link, blocks):
    """And waits for their acknowledgement."""
    for block in blocks:
        link.send(frame(BLOCK, block))
        while link.next_frame()[0] != ACK:
            pass


def record_of(sealed):
    return sealed.epoch[2:2 + int.from_bytes(sealed.epoch[:2], "little")]


def renamed(sealed, key, old, new, part):
    """The record with another text of the same length in it, signed by this key as the device would."""
    before = record_of(sealed)
    record, rest = before.replace(old, new), sealed.epoch[2 + len(before) + 65:]
    assert record != before
    (part / "record").write_bytes(record)
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, part / "record"], check=True, capture_output=True).stdout
    r, at = der[4:4 + der[3]], 4 + der[3]
    s = der[at + 2:at + 2 + der[at + 1]]
    signature = b"".join(number[-32:].rjust(32, b"\0") for number in (r, s))
    return len(record).to_bytes(2, "little") + record + b"\x40" + signature + rest


def refused(site, data):
    with as_rival(site) as link:
        return link.send(data).bye()


# --- frames ----------------------------------------------------------------------------------------------
def test_it_learns_nothing_of_the_other(site):
    """Neither which epochs nor which schemas the other has sent, though it knows incarnation, epoch and hash."""
    theirs = site.sealed[TENANT]
    of_stream = parse(parse(record_of(theirs))[7])  # a StreamEntry
    listed = b"\x42\x20" + of_stream[3]
    with as_victim(site) as link:
        known = link.send(hello(theirs.incarnation, extra=listed)).expect(wire.WELCOME)
        assert 5 in known and 6 not in known, "the device itself is told"
    with as_rival(site) as link:
        known = link.send(hello(theirs.incarnation, extra=listed)).expect(wire.WELCOME)
        assert 5 not in known and known[6] == b"\1\0\0\0"


def test_frames_that_name_the_other(site, tmp_path):
    theirs, own = site.sealed[TENANT], site.sealed[RIVAL]
    key = site.folders[RIVAL] / SAME / "device.key"
    introduced = hello(theirs.incarnation) + frame(SCHEMA, theirs.schema)
    as_its_own = len(TENANT).to_bytes(1, "little") + TENANT.encode()
    in_its_name = len(RIVAL).to_bytes(1, "little") + RIVAL.encode()
    another = "names another device than the certificate"
    for what, data, sentence in [
            ("the other's record", introduced + frame(EPOCH, theirs.epoch), another),
            ("the same, with a name of its own", introduced + frame(EPOCH, theirs.epoch.replace(
                b"\x1a" + as_its_own, b"\x1a" + in_its_name)), "epoch record: "),
            ("its own record in the other's name", hello(own.incarnation) + frame(SCHEMA, own.schema) + frame(
                EPOCH, renamed(own, key, b"\x1a" + in_its_name, b"\x1a" + as_its_own, tmp_path)), another),
            ("a block of the other's epoch", hello(theirs.incarnation) + frame(BLOCK, theirs.blocks[0]),
             "whose record has not come")]:
        said = refused(site, data)
        assert said and said[0] == PROTOCOL and sentence in said[1], (what, said)


def test_a_record_that_is_sealed_to_the_others_key(site, tmp_path):
    """Signed by the device itself, so that only the key is wrong."""
    own, theirs = site.sealed[RIVAL], site.sealed[TENANT]
    ids = [parse(record_of(each))[8] for each in (own, theirs)]
    record = renamed(own, site.folders[RIVAL] / SAME / "device.key", *ids, tmp_path)
    said = refused(site, hello(own.incarnation) + frame(SCHEMA, own.schema) + frame(EPOCH, record))
    assert said and said[0] == PROTOCOL and "sealed to a key of another tenant" in said[1], said


def test_a_schema_that_would_be_a_path(site):
    """The lake's prefix is the tenant's; below it a schema's name is one part of a path and no way out."""
    own = site.sealed[RIVAL]
    for name in (b"../acme/", b"/acme/wo", b"..\\acme\\", b"_epochs\0"):
        schema = own.schema.replace(b"workshop", name)
        said = refused(site, hello(own.incarnation) + frame(SCHEMA, schema))
        assert said and said[0] == PROTOCOL and "schema: " in said[1], (name, said)


# --- certificates and codes --------------------------------------------------------------------------------
def test_certificates_of_its_own_authority_for_the_other(site, tmp_path):
    """The rival's authority itself is on the attacker's side, and its device's key is used as an authority's."""
    its = site.authority / "tenants" / RIVAL
    uri = f"URI:longhaul://{ENVIRONMENT}/{TENANT}/{SAME}"
    folder = issue(tmp_path / "by-authority", Authority(its / "ca.crt", its / "ca.key"), site.authority / "root.crt", uri)
    with Link(site.port, folder) as link:
        said = link.send(hello(1)).bye()
    assert said[0] == DENIED and "another tenant's authority" in said[1]
    device = site.folders[RIVAL] / SAME
    folder = issue(tmp_path / "by-device", Authority(device / "device.crt", device / "device.key"),
                   site.authority / "root.crt", uri)
    with pytest.raises(Exception, match="(?i)alert|closed|reset|eof|unknown|bad record mac"), Link(site.port, folder) as link:
        assert link.send(hello(1)).next_frame() is not None
        raise ConnectionError("closed")


def request_for(uri, key, folder):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / key], check=True)
    return subprocess.run(["openssl", "req", "-new", "-key", folder / key, "-subj", "/CN=x", "-outform", "DER", "-addext",
                           f"subjectAltName = URI:{uri}"], check=True, capture_output=True).stdout


def test_renewal_in_the_others_name(site, tmp_path):
    for number, uri in enumerate((f"longhaul://{ENVIRONMENT}/{TENANT}/{SAME}", f"longhaul://{ENVIRONMENT}/{RIVAL}/someone")):
        with as_rival(site) as link:
            assert link.send(hello(1)).expect(wire.WELCOME).get(8) == 1, "renewal is answered here"
            said = link.send(frame(RENEW, request_for(uri, f"{number}.key", tmp_path))).bye()
        assert said and said[0] == PROTOCOL and "another device than this session's" in said[1], said
    # What it gets in its own name is of its own tenant's authority, and lets nobody in elsewhere.
    folder = issue(tmp_path / "worn", Authority(site.authority / "tenants" / RIVAL / "ca.crt", site.authority / "tenants" /
                                                RIVAL / "ca.key"), site.authority / "root.crt",
                   f"URI:longhaul://{ENVIRONMENT}/{RIVAL}/{SAME}")
    with Link(site.port, folder) as link:
        link.send(hello(1)).expect(wire.WELCOME)
        link.send(frame(RENEW, request_for(f"longhaul://{ENVIRONMENT}/{RIVAL}/{SAME}", "own.key", tmp_path)))
        kind, chain = link.next_frame()
    ca = subprocess.run(["openssl", "x509", "-in", site.authority / "tenants" / RIVAL / "ca.crt", "-outform", "DER"],
                        check=True, capture_output=True).stdout
    assert kind == RENEWED and chain.endswith(ca) and f"/{RIVAL}/{SAME}".encode() in chain


def code(site, tenant, *words):
    return demand(LONGHAUL, "enroll-code", "--tenant", tenant, "--config", site.config, "--address", site.enrolment,
                  *words).strip()


def test_enrolment_codes_of_the_other(site, tmp_path):
    own, theirs = code(site, RIVAL, "--uses", "9"), code(site, TENANT, "--device", "reserved")
    in_their_name = request_for(f"longhaul://{ENVIRONMENT}/{TENANT}/{SAME}", "a.key", tmp_path)
    assert b"name: " in exchange(site, enrol_frame(own, b"fresh", in_their_name)), "its own code, the other's name"
    nameless = request_for(f"longhaul://{ENVIRONMENT}/{RIVAL}/fresh", "b.key", tmp_path)
    mixed = enrol_frame(theirs, b"fresh", nameless).replace(secret_of(theirs), secret_of(own))
    assert b"code: " in exchange(site, mixed), "the other's code, known by its list, with a secret of its own"
    devices = json.loads(demand(LONGHAUL, "device", "list", "--config", site.config, "--json"))["devices"]
    assert {(each["tenant"], each["device"]) for each in devices} == {(TENANT, SAME), (RIVAL, SAME)}
    # A code that reached it by mistake makes a device of the code's tenant, as long as it is not the reserved one's.
    got, _, messages = call(AGENT, "enroll", theirs, "--dir", tmp_path / "x", "--name", "somebody")
    assert got == 77 and "name: " in messages


# --- what is used up -------------------------------------------------------------------------------------------
def test_a_quota_is_its_tenants_own(site):
    """The rival is over its bytes and connections; the other's devices feel nothing of it. Last: the audit of both."""
    own = site.sealed[RIVAL]

    def full():
        with as_rival(site) as another:
            return another.send(hello(own.incarnation)).next_frame()[0] == wire.BYE
    with as_rival(site) as link:
        link.send(own.introduction()).expect(wire.WELCOME)
        send_all(link, own.blocks)
        demand(LONGHAUL, "tenant", "limit", RIVAL, "--config", site.config, "--bytes-per-day", "1", "--connections", "1")
        wait_until(full, "the rival's limits to be felt", 20)
        with as_victim(site) as one, as_victim(site) as two:
            for each in (one, two):
                assert each.send(hello(site.sealed[TENANT].incarnation)).expect(wire.WELCOME)[4] >= 1 << 18
    assert site.stop_collector() == 0
    assert site.audit(drained=False)[0] == 0
    tables = {tenant: readers.by_deltalake(site.lake / tenant / "workshop", {"device": "text"}) for tenant in (TENANT, RIVAL)}
    assert {tenant: len(rows) for tenant, rows in tables.items()} == {
        tenant: recording.samples for tenant, recording in site.recordings.items()}


def test_nothing_of_it_is_in_the_others_trail(site):
    lines = (site.authority / "collector" / "trail" / TENANT / "000001.jsonl").read_text()
    assert RIVAL not in lines and not re.search('"what":"(refused|renew)', lines)
