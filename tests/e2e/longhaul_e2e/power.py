"""A device that loses its power again and again while programs put samples: what was answered with ok is in the table, once."""

import json
import os
import random
import select
import socket
import time
from dataclasses import dataclass, field

from .processes import PATIENCE, Program, demand, pause, wait_until
from .readers import connect
from .site import TENANT, Site

DEVICE = "mast-7"
WINDOW = 32          # puts under way at a time
UP_S = 0.3           # at most, from the first answer to the cut
EARLY = 6            # one cut in so many comes while the agent still starts
CONFIG = """
[[put]]
stream = "count"
deadline_ms = 5
[[put.field]]
name = "n"
kind = "integer"

[[put]]
stream = "alert"
class = "alarm"
deadline_ms = 5
[[put.field]]
name = "n"
kind = "integer"
"""
STREAMS = ("count", "alert")


@dataclass
class PowerFigures:
    cuts: int = 0
    early: int = 0       # of them while the agent started
    starts: int = 0
    acked: int = 0       # puts that were answered with ok
    doubtful: int = 0    # under way when the power went
    rows: int = 0
    power_cuts_listed: int = 0
    slowest_start_s: float = 0
    wrong: list = field(default_factory=list)


class Putter:
    """One program at the agent's socket; says how far the answers have come."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.rest = b""

    def lines(self, wait_s):
        """Answers that have come; None when the agent has gone."""
        if not select.select([self.socket], [], [], wait_s)[0]:
            return []
        try:
            got = self.socket.recv(65536)
        except ConnectionError:
            return None
        if not got:
            return None
        *whole, self.rest = (self.rest + got).split(b"\n")
        return whole

    def send(self, line):
        try:
            self.socket.send(line)
            return True
        except (BlockingIOError, ConnectionError):
            return False

    def close(self):
        self.socket.close()


class PowerCuts:
    def __init__(self, site: Site, seed, say=lambda text: None):
        self.site, self.say = site, say
        self.chance = random.Random(seed)
        self.figures = PowerFigures()
        site.start_collector()  # so that its port is known
        site.stop_collector()
        site.add_devices([DEVICE])
        self.folder = site.devices / DEVICE
        self.config = self.folder / "agent.toml"
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(CONFIG)
        self.next_number = 1
        self.acked = set()
        self.put_at_all = {}  # number -> stream

    def run(self, cuts):
        for cut in range(cuts):
            if cut == cuts // 2:  # the first half has no network, the second half has one
                self.site.start_collector()
            self._live_once()
            if (cut + 1) % 20 == 0:
                self.say(f"{cut + 1} cuts, {len(self.acked):,} puts answered with ok")
        self._drain()
        self._compare()
        return self.figures

    # --- a life ---------------------------------------------------------------------------------------------
    def _start(self):
        agent = Program([self.site.bin / "longhaul-agent", "run", "--config", self.config], self.folder / "agent.log")
        self.site.agents = [agent]
        self.figures.starts += 1
        return agent

    def _putter(self, agent):
        """Waits until the agent answers; a start that ends, or never comes that far, is the failure that is looked for."""
        began = time.monotonic()
        os.chdir(self.folder)  # the address of a socket is short

        def answers():
            if not agent.running():
                raise RuntimeError(f"the agent did not start: exit code {agent.wait()[0]}, see {agent.log}")
            try:
                return Putter("agent.sock")
            except (FileNotFoundError, ConnectionError):
                return None

        putter = wait_until(answers, "the agent to answer", 20, poll_s=0.002)
        self.figures.slowest_start_s = max(self.figures.slowest_start_s, time.monotonic() - began)
        return putter

    def _live_once(self):
        agent = self._start()
        self.figures.cuts += 1
        if self.chance.randrange(EARLY) == 0:
            pause(self.chance.uniform(0, 0.06))
            agent.kill()
            self.figures.early += 1
            return
        putter = self._putter(agent)
        under_way = self._put_for(putter, self.chance.uniform(0, UP_S) * PATIENCE)
        agent.kill()
        while (answers := putter.lines(1)) is not None:  # those that were given before the cut count
            self._take(answers, under_way)
        putter.close()
        self.figures.doubtful += len(under_way)

    def _put_for(self, putter, seconds):
        under_way, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            while len(under_way) < WINDOW and self._put(putter, under_way):
                pass
            answers = putter.lines(0.002)
            if answers is None:
                raise RuntimeError("the agent ended by itself")
            self._take(answers, under_way)
        return under_way

    def _put(self, putter, under_way):
        number, stream = self.next_number, STREAMS[self.chance.randrange(8) == 0]
        if not putter.send(b"%s n=%d\n" % (stream.encode(), number)):
            return False
        self.next_number += 1
        self.put_at_all[number] = stream
        under_way.append(number)
        return True

    def _take(self, answers, under_way):
        for answer in answers:
            number = under_way.pop(0)
            if answer == b"ok":
                self.acked.add(number)
            else:
                self.figures.wrong.append(f"put of {number} was answered with {answer.decode()}")

    # --- the end --------------------------------------------------------------------------------------------
    def _drain(self):
        agent = self._start()
        self._putter(agent).close()
        wait_until(self._drained, "everything to be acknowledged", 60)
        if agent.stop() != 0:
            self.figures.wrong.append(f"the agent did not stop in good order, see {agent.log}")

    def _drained(self):
        why = json.loads(demand(self.site.bin / "longhaul-agent", "why", "--json", "--config", self.config))
        return why["running"] and not any(block["waiting"] for block in why["blocks"])

    def _compare(self):
        if (code := self.site.stop_collector()) != 0:
            self.figures.wrong.append(f"the collector ended with exit code {code}")
        code, report = self.site.audit()
        if code != 0 or not report["ok"]:
            self.figures.wrong.append(f"longhaul audit --drained: exit {code}: {report.get('problems')}")
        numbers = {}
        for stream in STREAMS:
            for (number,) in self._select(stream, "n"):
                numbers[number] = numbers.get(number, 0) + 1
                if self.put_at_all.get(number) != stream:
                    self.figures.wrong.append(f"table {stream} has {number}, which was never put there")
        self.figures.acked, self.figures.rows = len(self.acked), sum(numbers.values())
        missing = sorted(self.acked - numbers.keys())
        if missing:
            self.figures.wrong.append(f"{len(missing)} puts were answered with ok and are in no table, the first: {missing[0]}")
        if twice := [number for number, count in numbers.items() if count > 1]:
            self.figures.wrong.append(f"{len(twice)} puts are in the tables more than once, the first: {twice[0]}")
        self.figures.power_cuts_listed = len(self._select("_losses", "DISTINCT incarnation, epoch", "reason = 'power_cut'"))

    def _select(self, table, columns, condition="true"):
        path = self.site.lake / TENANT / table
        if not path.exists():
            return []
        return connect().execute(f"SELECT {columns} FROM delta_scan('{path}') WHERE {condition}").fetchall()
