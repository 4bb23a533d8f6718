"""A collector in the hands of its operators: it answers over HTTP and tells a service manager how it is."""

import re
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

from .processes import PATIENCE, wait_until
from .site import Site


class Manager:
    """What systemd is to a service: a socket that datagrams come to."""

    def __init__(self, path: Path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0.05)
        self.heard = []

    def listen(self):
        try:
            while True:
                self.heard += self.socket.recv(4096).decode().split("\n")
        except (TimeoutError, BlockingIOError):
            return self.heard

    def wait_for(self, beginning):
        return wait_until(lambda: next((line for line in self.listen() if line.startswith(beginning)), None),
                          f"{beginning} among {self.heard}", 20)


class Operated(Site):
    """A site whose collector answers over HTTP and has a manager."""

    def __init__(self, folder, **how):
        super().__init__(folder, **how)
        self.set_config("[lake]", "state_interval_s = 1")
        with open(self.config, "a", encoding="utf-8") as config:
            config.write('\n[http]\nlisten = "127.0.0.2:0"\n')  # of loopback, too, and not the line that Site edits
        self.http_port = 0
        self.manager = Manager(folder / "notify")

    def start(self, *options):
        file = self.folder / "http-port"
        file.unlink(missing_ok=True)
        port = self.start_collector("--http-port-file", file, *options,
                                    env={"NOTIFY_SOCKET": str(self.manager.path), "WATCHDOG_USEC": "2000000"})
        self.http_port = int(file.read_text())
        return port

    def ask(self, path):
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.2:{self.http_port}{path}", timeout=20 * PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metrics(self):
        status, text = self.ask("/metrics")
        assert status == 200
        return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*) (\S+)$", text, re.M)}

    def reload(self, until):
        """Sends SIGHUP and waits for a line in the log that was not there before; returns what was logged since."""
        before = len(self.collector.messages())
        self.collector.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: until in (new := self.collector.messages()[before:]) and new, until, 20)
