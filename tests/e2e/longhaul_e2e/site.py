"""A whole site in a folder: authority, collector, and devices that replay recordings."""

import json
import os
import sqlite3
from pathlib import Path

from .processes import Program, call, demand, wait_until

TENANT = "acme"
ENVIRONMENT = "demo"
SERVER_NAME = "localhost"


def top_folder():
    return Path(__file__).resolve().parents[3]


def programs_folder():
    """Where the programs to test are: LH_BIN, or the release build."""
    return Path(os.environ.get("LH_BIN", top_folder() / "build" / "host-release" / "bin")).resolve()


class Site:
    def __init__(self, folder: Path, commit_interval_s=1, tenants=(TENANT,), environment=ENVIRONMENT):
        self.folder = folder
        self.bin = programs_folder()
        self.authority = folder / "ca"
        self.config = self.authority / "collector" / "collector.toml"
        self.lake = self.authority / "collector" / "lake"
        self.journal = self.authority / "collector" / "journal"
        self.devices = folder / "devices"
        self.collector = None
        self.agents = []
        self._port_file = folder / "port"
        self.port = 0
        folder.mkdir(parents=True, exist_ok=True)
        named = [part for tenant in tenants for part in ("--tenant", tenant)]
        demand(self.bin / "longhaul", "ca", "init", "--dir", self.authority, "--environment", environment, *named,
               "--server-name", SERVER_NAME, "--listen", "127.0.0.1:0")
        self.set_config("[lake]", f"commit_interval_s = {commit_interval_s}")

    def set_config(self, after, line):
        """Puts a line behind another one of the collector's configuration."""
        text = self.config.read_text()
        assert after in text, f"{self.config} has no {after}"
        self.config.write_text(text.replace(after, f"{after}\n{line}", 1))

    # --- collector ---------------------------------------------------------------------------------------
    def spawn_collector(self, *options, env=None):
        """Starts it and waits for nothing."""
        self._port_file.unlink(missing_ok=True)
        self.collector = Program([self.bin / "longhaul-collector", "run", "--config", self.config,
                                  "--port-file", self._port_file, *options], self.folder / "collector.log", env)

    def start_collector(self, *options, env=None):
        """Starts it, waits until it listens, and keeps to the port of the first time."""
        self.spawn_collector(*options, env=env)

        def listening():
            if not self.collector.running():
                raise RuntimeError(f"the collector ended:\n{self.collector.messages()[-4000:]}")
            return self._port_file.exists() and self._port_file.read_text().strip()

        self.port, first = int(wait_until(listening, "the collector to listen")), self.port == 0
        if first:
            text = self.config.read_text()
            self.config.write_text(text.replace('"127.0.0.1:0"', f'"127.0.0.1:{self.port}"'))
        return self.port

    def kill_collector(self):
        self.collector.kill()

    def stop_collector(self):
        return self.collector.stop()

    def journal_bytes(self):
        """How far the journal has got, as its files say."""
        return sum(path.stat().st_size for path in self.journal.glob("shard-*/*.seg"))

    def commits(self):
        """How many commits the tables' logs name."""
        return sum(1 for _ in self.lake.glob("*/*/_delta_log/*.json"))

    def registry(self, statement, *values):
        """What a person would do to the registry by hand."""
        with sqlite3.connect(self.authority / "collector" / "registry.db") as database:
            database.execute(statement, values)

    # --- devices -----------------------------------------------------------------------------------------
    def trace_devices(self, recording):
        """Names of a recording's devices, as the agent reads them, with the samples of each."""
        output = demand(self.bin / "longhaul-agent", "trace", "list", recording.mapping, "--json")
        return json.loads(output)

    def add_devices(self, names, recording=None, collector=None, tenant=TENANT, folder=None, speed=None,
                    block_bytes=None, codecs=None):
        folder = folder or self.devices
        command = [self.bin / "longhaul", "device", "add", "--from-list", "-", "--dir", self.authority,
                   "--tenant", tenant, "--out", folder, "--collector", f"127.0.0.1:{collector or self.port}"]
        if recording is not None:
            command += ["--trace", recording.mapping]
        demand(*command, stdin="\n".join(names) + "\n")
        for name in names:
            with open(folder / name / "agent.toml", "a", encoding="utf-8") as config:
                if speed is not None:  # the last table of the file is the recording's
                    config.write(f"speed = {speed}\n")
                if block_bytes is not None or codecs is not None:
                    config.write("\n[block]\n")
                if block_bytes is not None:
                    config.write(f"body_bytes_max = {block_bytes}\n")
                if codecs is not None:
                    config.write(f"codecs = {list(codecs)}\n")

    def start_agent(self, folder=None):
        """One process for all devices of a folder; it ends when everything is acknowledged."""
        folder = folder or self.devices
        agent = Program([self.bin / "longhaul-agent", "run", "--devices", folder, "--exit-when-drained", "--json"],
                        self.folder / f"agent-{folder.name}.log")
        self.agents.append(agent)
        return agent

    def start_agent_for(self, names):
        """The same for some of the devices."""
        configs = [part for name in names for part in ("--config", self.devices / name / "agent.toml")]
        agent = Program([self.bin / "longhaul-agent", "run", *configs, "--exit-when-drained", "--json"],
                        self.folder / "agent-some.log")
        self.agents.append(agent)
        return agent

    def audit(self, drained=True):
        """The audit's report and its exit code."""
        code, output, messages = call(self.bin / "longhaul", "audit", "--config", self.config, "--json",
                                      *(["--drained"] if drained else []))
        if not output:
            raise RuntimeError(f"longhaul audit: exit {code}: {messages}")
        return code, json.loads(output)

    def close(self):
        """Ends whatever still runs."""
        for program in [*self.agents, self.collector]:
            if program is not None:
                program.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
