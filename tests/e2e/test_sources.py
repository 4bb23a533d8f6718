"""Live sources of the agent, with real processes: a receiver on a pseudo-terminal, programs that put, logs by Unix
socket, UDP and file, the machine's own health. What they say stands in the tables, word for word."""

import json
import os
import pty
import signal
import socket
from pathlib import Path

import pytest

from longhaul_e2e.processes import Program, call, demand, wait_until
from longhaul_e2e.readers import read_table
from longhaul_e2e.site import TENANT, Site

DEVICE = "probe"
NMEA = [
    "$GNRMC,000941.00,A,4404.13387,N,12118.85628,W,0.029,,100117,,,A*7D",
    "$GNGGA,000941.00,4404.13387,N,12118.85628,W,1,12,1.01,1144.8,M,-21.4,M,,*4D",
    "$GNGGA,000941.00,4404.13387,N,12118.85628,W,1,12,1.01,1144.8,M,-21.4,M,,*4E",  # the checksum is wrong
    "$GNRMC,000942.00,A,4404.13401,N,12118.85633,W,0.041,,100117,,,A*73",
]
LINES = {
    "unixlog": ["<165>Feb  6 09:42:36 veos01 Ebra: %LINEPROTO-5-UPDOWN: down ", "no priority, größer", "two\nlines"],
    "udplog": ["<166>1 2019-02-20T15:10:50.505646+00:00 ss12 bgpd 83 - - up", "x" * 1024],
    "filelog": ["Nov 21 10:00:00 host cron[7]: first", "after the file was renamed", "after the file was cut"],
}
SYSLOG = """
[[syslog]]
socket = "log.sock"
stream = "unixlog"
[[syslog]]
udp = "127.0.0.1:{port}"
stream = "udplog"
[[syslog]]
file = "the.log"
stream = "filelog"
"""
PUT = """
[[nmea]]
path = "{line}"

[[put]]
stream = "climate"
[[put.field]]
name = "temperature"
kind = "decimal"
scale = 2
[[put.field]]
name = "note"
nullable = true
[[put.field]]
name = "frame"
kind = "bytes"
nullable = true
"""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Probe:
    """One device with every live source, and the collector that takes what it sends."""

    def __init__(self, folder: Path):
        self.site = Site(folder / "site")
        self.site.start_collector()
        self.site.add_devices([DEVICE])
        self.folder = self.site.devices / DEVICE
        self.config = self.folder / "agent.toml"
        self.receiver, line = pty.openpty()
        self.port = free_udp_port()
        (self.folder / "the.log").write_text("written before the agent ran\n")
        # The machine's own samples, which are counted with the others, not within a test.
        self.config.write_text(self.config.read_text().replace("interval_s = 60", "interval_s = 3600"))
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(SYSLOG.format(port=self.port) + PUT.format(line=os.ttyname(line)))
        self.agent = None

    def start(self):
        self.agent = Program([self.site.bin / "longhaul-agent", "run", "--config", self.config], self.folder / "agent.log")
        self.site.agents.append(self.agent)
        wait_until(lambda: '"running":true' in self.ask("why", "--json")[1], f"the agent to answer: {self.agent.log}")

    def ask(self, command, *arguments):
        return call(self.site.bin / "longhaul-agent", command, "--config", self.config, *arguments)

    def why(self):
        return json.loads(demand(self.site.bin / "longhaul-agent", "why", "--json", "--config", self.config))

    def put(self, *assignments):
        return self.ask("put", "climate", *assignments)

    def wait_for_samples(self, count):
        wait_until(lambda: self.why()["samples"] >= count, f"{count} samples: {self.why()}")

    def file_lines(self):
        """One line each before and after the file is renamed, and after it is cut."""
        log, before = self.folder / "the.log", self.why()["samples"]
        first, renamed, cut = LINES["filelog"]
        with open(log, "a", encoding="utf-8") as file:
            file.write(first + "\n")
        self.wait_for_samples(before + 1)
        log.rename(self.folder / "the.log.1")
        log.write_text(renamed + "\n")
        self.wait_for_samples(before + 2)
        log.write_text("")
        log.write_text(cut + "\n")
        self.wait_for_samples(before + 3)

    def rows(self, table, *columns):
        """In the order in which the device sampled them; empty while there is no such table."""
        path = self.site.lake / TENANT / table
        if not list((path / "_delta_log").glob("*.json")):
            return []
        found = read_table(path, ["epoch", "seq", "row", *columns]).to_pylist()
        found.sort(key=lambda row: (row["epoch"], row["seq"], row["row"]))
        return [tuple(row[column] for column in columns) for row in found]

    def drained(self):
        blocks = self.why()["blocks"]
        return blocks and not any(block["waiting"] for block in blocks)


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    made = Probe(tmp_path_factory.mktemp("sources"))
    with made.site:
        made.start()
        yield made


def test_what_was_put_survives_a_kill(probe):
    assert probe.put("temperature=21.5", 'note=a "b" \\ c')[0] == 0
    probe.agent.kill()
    assert probe.ask("why")[1].endswith("no agent runs\n")
    code, _, messages = probe.put("temperature=1")
    assert code == 69 and "is the agent running?" in messages
    probe.start()  # at the socket that the killed one has left
    assert probe.why()["cut_off_before"]
    assert probe.put("temperature=-0.25", "frame=00fF")[0] == 0
    wait_until(lambda: len(probe.rows("climate", "temperature")) == 2, "both puts in the table")
    assert probe.rows("climate", "temperature", "note", "frame") == [
        (21.5, 'a "b" \\ c', None), (-0.25, None, b"\x00\xff")]


@pytest.mark.parametrize("arguments, code, sentence", [
    (("climate", "temperatur=1"), 65, 'has no field "temperatur", did you mean "temperature"?'),
    (("climate", "temperature=warm"), 65, 'field "temperature" is "warm", has to be a number'),
    (("climate", "temperature=1", "frame=0"), 65, 'field "frame" is "0", has to be pairs of hexadecimal digits'),
    (("climate", "note=x"), 65, 'field "temperature" is missing'),
    (("climat", "temperature=1"), 65, 'no stream "climat" can be put; there is climate'),
    (("climate", "temperature"), 64, '"temperature" is not field=value'),
    (("climate",), 64, "values is required"),
])
def test_what_cannot_be_put_is_told(probe, arguments, code, sentence):
    done = probe.ask("put", *arguments)
    assert sentence in done[2]
    assert done[0] == code


def test_a_second_agent_of_the_device_may_try_later(probe):
    code, output, messages = probe.ask("run")
    assert (code, output) == (75, "") and "spool.db: denied: another program has the database open" in messages


def test_many_puts_on_one_connection_share_blocks(probe):
    before = probe.rows("climate", "temperature")
    with socket.socket(socket.AF_UNIX) as program:
        os.chdir(probe.folder)  # the address of a socket is short
        program.connect("agent.sock")
        program.sendall(b"".join(b"climate temperature=%d\n" % i for i in range(100)))
        answers = b""
        while answers.count(b"\n") < 100:
            answers += program.recv(65536)
    assert answers == b"ok\n" * 100
    wait_until(lambda: len(probe.rows("climate", "temperature")) == len(before) + 100, "a hundred more")
    rows = probe.rows("climate", "seq", "temperature")[len(before):]
    assert [row[1] for row in rows] == list(range(100))
    assert len({row[0] for row in rows}) < 20


def test_logs_and_receiver_word_for_word(probe):
    before = probe.why()["samples"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        os.chdir(probe.folder)
        for line in LINES["unixlog"]:
            sender.sendto(line.encode(), "log.sock")
        sender.sendto(b"<13>bytes \xff", "log.sock")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for line in [*LINES["udplog"], "y" * 1025]:
            sender.sendto(line.encode(), ("127.0.0.1", probe.port))
    os.write(probe.receiver, "".join(sentence + "\r\n" for sentence in NMEA).encode())
    probe.wait_for_samples(before + 8)
    probe.file_lines()

    why = probe.why()
    refused = {source["name"].split("/")[0]: source["refused"] for source in why["sources"] if source["refused"]}
    assert refused == {"nmea ": {"checksum_wrong": 1}, f"syslog 127.0.0.1:{probe.port}": {"too_long": 1}}
    assert why["lost"] == 0
    assert probe.agent.stop() == 0  # seals what has been sampled
    probe.start()
    wait_until(probe.drained, "everything to be acknowledged")

    wanted = {**LINES, "unixlog": [*LINES["unixlog"], None]}
    wait_until(lambda: len(probe.rows("syslog", "text")) == 9, "all lines in the table")
    for stream, lines in wanted.items():
        assert [text for name, text in probe.rows("syslog", "stream", "text") if name == stream] == lines
    assert (b"<13>bytes \xff", 1, 5) in probe.rows("syslog", "raw", "facility", "severity")
    assert ("veos01", "Ebra", "%LINEPROTO-5-UPDOWN: down ") in probe.rows("syslog", "host", "app", "message")
    wait_until(lambda: len(probe.rows("gnss", "talker")) == 2, "both fixes in the table")
    assert probe.rows("gnss", "gnss_time", "talker", "latitude", "longitude", "altitude", "speed", "satellites", "hdop") == [
        (1484006981000000, "GN", 44.0688978, -121.3142713, 1144.8, 0.029, 12, 1.01),
        (1484006982000000, "GN", 44.0689002, -121.3142722, None, 0.041, None, None)]


def test_the_machine_tells_of_itself(probe):
    wait_until(lambda: probe.rows("system_host", "uptime"), "a reading in the table")
    uptime, memory, disk = probe.rows("system_host", "uptime", "memory_total", "disk_total")[0]
    assert 0 < uptime <= float(Path("/proc/uptime").read_text().split()[0])
    assert memory > 0 and disk > 0
    assert ("lo",) in probe.rows("system_interface", "name")


def test_the_last_fix_is_stored_when_the_agent_stops(probe):
    assert probe.agent.stop() == 0
    receiver = probe.folder / "receiver"
    os.mkfifo(receiver)
    with open(probe.config, "a", encoding="utf-8") as config:
        config.write('\n[[nmea]]\npath = "receiver"\nstream = "last"\n')
    probe.start()
    with open(receiver, "wb") as line:  # waits for the agent
        line.write(NMEA[0].encode() + b"\r\n")
        line.flush()
        assert probe.agent.stop() == 0
    probe.start()
    wait_until(probe.drained, "everything to be acknowledged")
    wait_until(lambda: ("last", 1484006981000000) in probe.rows("gnss", "stream", "gnss_time"), "the fix in the table")


def test_why_tells_how_it_stands(probe):
    def stands_well():  # the machine goes on telling of itself, so now and then a block waits
        sentence = probe.ask("why")[1]
        return "acknowledged" in sentence and "waiting" not in sentence and "link up" in sentence and "lost: 0" in sentence

    wait_until(stands_well, "everything to be acknowledged, with the link up and nothing lost")
    probe.site.kill_collector()
    wait_until(lambda: not probe.why()["connected"], "the agent to see that the link is down")
    assert probe.put("temperature=5")[0] == 0  # stored here; the collector has no part in it
    sentence = probe.ask("why")[1]
    assert "waiting" in sentence and "link down" in sentence, sentence
    probe.agent.process.send_signal(signal.SIGTERM)
    assert probe.agent.wait()[0] == 0
    assert "waiting" in probe.ask("why")[1]
