"""A device whose spool has no room: what it drops is listed, and everything else is in the table."""

import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .power import Putter
from .processes import Program, demand, wait_until
from .readers import connect
from .site import TENANT, Site

DEVICE = "mast-8"
CONFIG = """
[[put]]
stream = "reading"
deadline_ms = 5
[[put.field]]
name = "n"
kind = "integer"
[[put.field]]
name = "note"

[[put]]
stream = "alert"
class = "alarm"
deadline_ms = 5
[[put.field]]
name = "n"
kind = "integer"
"""
def note_of(number):
    return f"what a program has to say about it, a little different each time, so that it takes some room: {number * 7919 % 100_003}"


WINDOW = 8


@dataclass
class FullFigures:
    put: int = 0
    refused: int = 0         # answered with "error later"
    doubtful: int = 0        # with "error doubt": not stored when the agent was asked
    rows: int = 0
    lost_samples: int = 0    # by _losses, for want of room
    wrong: list = field(default_factory=list)


@contextmanager
def small_disk(folder: Path, size, files=1_000_000):
    """A file system of so many bytes and files; PermissionError where this user may not mount one."""
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={files}", "longhaul-test", folder], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def enlarge(folder, size):
    """Gives such a file system more room."""
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


class FullSpool:
    """A site whose collector is away while a program puts more than the device can keep."""

    def __init__(self, site: Site, spool: str, path="spool.db", note=note_of):
        self.site, self.note = site, note
        site.start_collector()
        site.stop_collector()
        site.add_devices([DEVICE])
        self.folder = site.devices / DEVICE
        self.config = self.folder / "agent.toml"
        text = self.config.read_text().replace('path = "spool.db"', f'path = "{path}"\n{spool}')
        self.config.write_text(text.replace("\n[system]\ninterval_s = 60\n", "") + CONFIG)
        self.stored = {"reading": 0, "alert": 0}
        self.figures = FullFigures()
        self.agent = None

    def start(self):
        self.agent = Program([self.site.bin / "longhaul-agent", "run", "--config", self.config], self.folder / "agent.log")
        self.site.agents = [self.agent]
        wait_until(lambda: self.agent.running() and (self.folder / "agent.sock").exists(), f"the agent, see {self.agent.log}")

    def put(self, stream, count):
        """Puts samples, each once; those that the agent refuses are counted as that."""
        os.chdir(self.folder)
        putter = wait_until(self._connect, "the agent to answer")
        putter.socket.setblocking(True)
        sent = answered = 0
        while answered < count:
            while sent < count and sent - answered < WINDOW:
                note = f' note="{self.note(sent)}"' if stream == "reading" else ""
                putter.socket.sendall(f"{stream} n={self.figures.put + sent}{note}\n".encode())
                sent += 1
            for answer in putter.lines(20):
                answered += 1
                if answer == b"ok":
                    self.stored[stream] += 1
                elif answer.startswith(b"error later"):
                    self.figures.refused += 1
                elif answer.startswith(b"error doubt"):
                    self.figures.doubtful += 1
                else:
                    self.figures.wrong.append(f"a put was answered with {answer.decode()}")
        self.figures.put += count
        putter.close()

    def _connect(self):
        try:
            return Putter("agent.sock")
        except (FileNotFoundError, ConnectionError):
            return None

    def why(self):
        return json.loads(demand(self.site.bin / "longhaul-agent", "why", "--json", "--config", self.config))

    def drained(self):
        blocks = self.why()["blocks"]
        return not any(block["waiting"] for block in blocks)

    def rows(self, table):
        return self._one(table, "count(*)")

    def drain(self):
        """The collector comes back and takes what is there, blocks and losses."""
        self.site.start_collector()
        wait_until(self.drained, "everything to be acknowledged")
        if self.agent.stop() != 0:
            self.figures.wrong.append(f"the agent did not stop in good order, see {self.agent.log}")
        if (code := self.site.stop_collector()) != 0:
            self.figures.wrong.append(f"the collector ended with exit code {code}")
        self._account()

    def _account(self):
        figures = self.figures
        code, report = self.site.audit()
        if code != 0 or not report["ok"]:
            figures.wrong.append(f"longhaul audit --drained: exit {code}: {report.get('problems')}")
        rows = {stream: self._one(stream, "count(DISTINCT n)") for stream in self.stored}
        doubled = sum(self._one(stream, "count(*)") for stream in self.stored) - sum(rows.values())
        figures.rows = sum(rows.values())
        figures.lost_samples = self._one("_losses", "coalesce(sum(samples), 0)", "reason = 'full'")
        if doubled:
            figures.wrong.append(f"{doubled} rows stand there twice")
        answered = sum(self.stored.values())
        if not answered <= figures.rows + figures.lost_samples <= answered + figures.doubtful:
            figures.wrong.append(f"{answered} puts were answered with ok, {figures.doubtful} were in doubt, but {figures.rows} are "
                                 f"rows and {figures.lost_samples} are listed as lost")

    def power_cuts(self):
        """Epoch, class and number of rows of all power cuts that are listed."""
        path = self.site.lake / TENANT / "_losses"
        return connect().execute(f"SELECT epoch, class, count(*) FROM delta_scan('{path}') WHERE reason = 'power_cut' "
                                 "GROUP BY ALL ORDER BY ALL").fetchall()

    def _one(self, table, what, condition="true"):
        path = self.site.lake / TENANT / table
        if not path.exists():
            return 0
        return connect().execute(f"SELECT {what} FROM delta_scan('{path}') WHERE {condition}").fetchone()[0]
