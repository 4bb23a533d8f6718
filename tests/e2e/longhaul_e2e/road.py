"""One run over the whole road: recordings replayed by real agents, programs killed, every value compared."""

import gzip
import json
import random
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import compare, readers, recordings
from .processes import pause, wait_until
from .site import TENANT, Site

BLOCK_BYTES = 400      # small blocks, so that a kill finds some in every place
LONG_TEXT_BYTES = 150  # samples with a longer text need larger ones
LARGE_BLOCK_BYTES = 2048
NAMES = recordings.NAMES
CODECS = ([], ["zstd"], ["range"], ["range", "zstd"])  # beside codec 0; devices have them in turn
DEADLINE_MS = 400      # also sealed when so old
SETTLE_S = 0.05        # at most, from a condition to the kill behind it
HANDS = ("steady", "struck")  # two processes share the devices; only the second one is ever killed


@dataclass
class Plan:
    seed: int
    collector_kills: int
    agent_kills: int
    replay_s: float  # the longest recording takes so long


@dataclass
class Figures:
    devices: int = 0
    samples: int = 0
    refused: int = 0
    rows: int = 0
    resent: int = 0
    lost_ends: int = 0   # epochs cut off by a kill, each listed in _losses
    values: int = 0
    collector_kills: int = 0
    busy_kills: int = 0  # of them, those while a device played or had blocks to send
    agent_kills: int = 0
    journal_bytes: int = 0
    readers: int = 0
    wrong: list = field(default_factory=list)  # sentences; empty: the promise was kept


def quicken(mapping):
    """Blocks are sealed soon, so that they travel while the recording still plays."""
    return re.sub(r"deadline_ms = \d+", f"deadline_ms = {DEADLINE_MS}", mapping)


def cut(path: Path, lines_max):
    """Leaves a recording's first lines, packed or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        lines = file.readlines()[:lines_max]
    with opened(path, "wb") as file:
        file.writelines(lines)


def read_recordings(folder: Path, share=1, lines_max=None, names=NAMES):
    """The recordings; or every `share`th device of a fleet, and of a device that is alone its first lines."""
    recs = []
    for name in names:
        mapping = recordings.unpack(name, folder, quicken)
        rec = recordings.read(mapping)
        if len(rec.devices) == 1 and lines_max and rec.samples > lines_max:
            cut(mapping.parent / tomllib.loads(mapping.read_text())["trace"]["file"], lines_max)
            rec = recordings.read(mapping)
        recs.append(recordings.only(rec, sorted(rec.devices)[::share]))
    return recs


def block_bytes(rec):
    longest = max((len(value) for rows in rec.devices.values() for row in rows for value in row
                   if isinstance(value, (str, bytes))), default=0)
    return BLOCK_BYTES if longest <= LONG_TEXT_BYTES else LARGE_BLOCK_BYTES


def highlights(recs):
    """What some recordings are in the proof for, in figures. They hold in the tables when the comparison does."""
    said, bad_checksums = [], 0
    for rec in recs:
        rows = [row for rows in rec.devices.values() for row in rows]
        if rec.table == "syslog":
            said.append(f"{len(rows)} syslog lines to the letter")
        if rec.table == "lora_frame":
            counter = rec.fields.index("fcnt") + 1
            said.append(f"{len(rows):,} LoRaWAN frames, {len(rows) - len({row[counter] for row in rows}):,} of them repeat a counter")
        if rec.table == "ais_position":
            said.append(f"{len(rows):,} positions of {len({row[rec.fields.index('mmsi') + 1] for row in rows}):,} ships")
        bad_checksums += sum(lines for reason, lines in rec.refused.items() if reason.startswith("checksum"))
    if bad_checksums:
        said.append(f"{bad_checksums} NMEA sentences refused for their checksum")
    return " · ".join(said)


class Road:
    """A site, its devices, and a seed that says when what is killed."""

    def __init__(self, site: Site, recs, plan: Plan, say=lambda text: None, by=readers.READERS):
        self.site, self.recs, self.plan, self.say, self.by = site, recs, plan, say, by
        self.chance = random.Random(plan.seed)
        self.figures = Figures(devices=sum(len(rec.devices) for rec in recs),
                               samples=sum(rec.samples for rec in recs), readers=len(by),
                               refused=sum(sum(rec.refusals(rec.devices).values()) for rec in recs))
        self.agents = {}
        self.rebooted = set()  # devices whose process was killed

    def run(self):
        self.site.start_collector()
        self._add_devices()
        for hand in HANDS:
            self.agents[hand] = self.site.start_agent(self.site.devices / hand)
        blows = [self._kill_collector] * self.plan.collector_kills + [self._kill_agent] * self.plan.agent_kills
        self.chance.shuffle(blows)
        for blow in blows:
            blow()
        self._drain()
        self._audit()
        self._compare()
        return self.figures

    # --- devices -----------------------------------------------------------------------------------------
    def _add_devices(self):
        for rec in self.recs:
            speed = None if rec.device_time else rec.span_s / self.plan.replay_s  # no times: all at once
            for hand in HANDS:
                hosted = self._hosted(rec, hand)
                for turn in range(len(CODECS)):
                    first = (turn + self.recs.index(rec)) % len(CODECS)
                    if names := hosted[turn::len(CODECS)]:
                        self.site.add_devices(names, rec, folder=self.site.devices / hand, speed=speed,
                                              block_bytes=block_bytes(rec), codecs=CODECS[first])

    def _hosted(self, rec, hand):
        """Which devices of a recording a process hosts: every second one, of lonely ones those of every second recording."""
        first = (HANDS.index(hand) + self.recs.index(rec)) % len(HANDS)
        return sorted(rec.devices)[first::len(HANDS)]

    def _playing(self):
        return any(agent.running() for agent in self.agents.values())

    def _kill_agent(self):
        """Kills the process of half the devices, and starts it again on the same spools."""
        hand = HANDS[1]
        where = self._wait_for_a_moment()
        self.agents[hand].kill()
        self.figures.agent_kills += 1
        self.rebooted = {path.name for path in (self.site.devices / hand).iterdir()}
        self.say(f"agent killed with -9, {where}; started again on the same spools")
        self.agents[hand] = self.site.start_agent(self.site.devices / hand)

    # --- moments -----------------------------------------------------------------------------------------
    def _kill_collector(self):
        where = self._wait_for_a_moment()
        self._strike()
        self.say(f"collector killed with -9, {where}; journal at {self.site.journal_bytes():,} bytes, "
                 f"{self.site.commits()} commits")
        self.site.start_collector()

    def _strike(self):
        self.figures.busy_kills += self._playing()
        self.site.kill_collector()
        self.figures.collector_kills += 1

    def _wait_for_a_moment(self):
        """Lets the road run on to a seeded moment; says which one it was."""
        moment = self.chance.choice([self._journal_grows, self._table_grows, self._collector_starts, self._time_passes])
        return moment()

    def _journal_grows(self):
        begin, more = self.site.journal_bytes(), self.chance.randint(1, 150_000)
        self._wait_while_playing(lambda: self.site.journal_bytes() >= begin + more)
        return f"when the journal had grown by {more:,} bytes"

    def _table_grows(self):
        begin, more = self.site.commits(), self.chance.randint(1, 4)
        self._wait_while_playing(lambda: self.site.commits() >= begin + more)
        pause(self.chance.uniform(0, SETTLE_S))
        return f"in the middle of commits, behind the {more}. from here"

    def _collector_starts(self):
        """A kill while the collector reads its journal, and then the one that was asked for."""
        self._strike()
        self.site.spawn_collector()
        pause(self.chance.uniform(0, SETTLE_S))
        self._strike()
        self.site.start_collector()
        return self._time_passes() + " behind two more kills of the collector, the second while it started"

    def _time_passes(self):
        seconds = self.chance.uniform(0.05, 2.0)
        pause(seconds)
        return f"{seconds:.2f} s later"

    def _wait_while_playing(self, condition):
        wait_until(lambda: condition() or not self._playing(), "journal or tables to grow", 120, poll_s=0.001)

    # --- the end -----------------------------------------------------------------------------------------
    def _drain(self):
        for hand, agent in self.agents.items():
            code, output = agent.wait(240)
            if code != 0:
                raise RuntimeError(f"the agent ended with exit code {code}, see {agent.log}")
            self._check_refusals(json.loads(output), hand)
        self.say("drained: every block is acknowledged")
        code = self.site.stop_collector()
        self._demand(code == 0, f"the collector ended with exit code {code}, see {self.site.collector.log}")

    def _check_refusals(self, report, hand):
        expected = {}
        for rec in self.recs:
            for reason, lines in rec.refusals(self._hosted(rec, hand)).items():
                expected[reason] = expected.get(reason, 0) + lines
        self._demand(report["refused"] == expected,
                     f"the {hand} agent refused lines {report['refused']}, the recordings have {expected}")

    def _audit(self):
        code, report = self.site.audit()
        totals, figures = report["totals"], self.figures
        figures.rows, figures.resent = totals["rows"], totals["resent"]
        figures.journal_bytes = self.site.journal_bytes()
        self._demand(code == 0 and report["ok"], f"longhaul audit --drained: exit {code}: {report.get('problems')}")
        self._demand(totals["duplicates"] == 0, f"{totals['duplicates']} rows stand there twice")
        self._demand(totals["rows"] == totals["samples"], f"{totals['rows']} rows of {totals['samples']} samples")
        if not self.rebooted:
            self._demand(totals["rows"] == figures.samples, f"{totals['rows']} rows, {figures.samples} samples")
        self.say(f"longhaul audit: {figures.rows:,} rows, {totals['duplicates']} duplicates, {totals['holes']} holes, "
                 f"{figures.resent} blocks came twice")

    def _compare(self):
        for rec in recordings.by_table(self.recs):
            values, wrong = compare.check(rec, self.site.lake, TENANT, self.rebooted, self.by)
            self.figures.values += values
            self.figures.wrong += wrong
            self.say(f"table {rec.table}: {values:,} values compared, {len(wrong)} differences")
        self._check_losses()
        self.say(f"{self.figures.values:,} values compared by {', '.join(self.by)}")

    def _check_losses(self):
        """Every epoch that ended with its power cut, and no other, has a line in _losses."""
        if not self.rebooted:
            return
        cut = self._select("_epochs", "device, incarnation, previous_epoch", "previous_epoch > 0 AND NOT previous_clean")
        listed = self._select("_losses", "device, incarnation, epoch", "reason = 'power_cut'")
        self.figures.lost_ends = len(listed)
        self._demand(cut == listed, f"{len(cut)} epochs ended with a power cut, {len(listed)} are listed in _losses")

    def _select(self, table, columns, condition):
        """Different rows in order; none of a table that does not exist, for one without rows is never made."""
        path = self.site.lake / TENANT / table
        if not path.exists():
            return []
        return sorted(readers.connect().execute(
            f"SELECT DISTINCT {columns} FROM delta_scan('{path}') WHERE {condition}").fetchall())

    def _demand(self, holds, sentence):
        if not holds:
            self.figures.wrong.append(sentence)
