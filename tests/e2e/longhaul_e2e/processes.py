"""Starts, stops and kills programs by their process id. Nothing here waits without a limit."""

import os
import signal
import subprocess
import time
from pathlib import Path

POLL_S = 0.02
# Sanitizers and busy machines make everything slower, never wrong.
PATIENCE = float(os.environ.get("LH_PATIENCE", "1"))


def wait_until(condition, what, limit_s=60.0, poll_s=POLL_S):
    """Looks again and again until condition() says something true, and returns that."""
    end = time.monotonic() + limit_s * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s * PATIENCE:.0f} s in vain for: {what}")
        time.sleep(poll_s)


def pause(seconds):
    """For a seeded moment, never for something to happen meanwhile."""
    time.sleep(seconds)


class Program:
    """One running program. Its messages go to a file, its data is kept."""

    def __init__(self, command, log: Path, env=None):
        self.log = log
        self._data = log.with_suffix(".out")
        with open(log, "ab") as messages, open(self._data, "wb") as data:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=data, stderr=messages,
                env={**os.environ, "NO_COLOR": "1", **(env or {})})

    def running(self):
        return self.process.poll() is None

    def messages(self):
        return self.log.read_text(errors="replace")

    def wait(self, limit_s=60.0):
        """The exit code and what the program wrote to standard output."""
        try:
            code = self.process.wait(limit_s * PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.process.args[0]} did not end; its log:\n{self.messages()[-4000:]}")
        return code, self._data.read_text()

    def stop(self, limit_s=30.0):
        """Asks it to finish what it accepted, and returns the exit code."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(limit_s)[0]

    def kill(self):
        """As a power cut would: no chance to tidy up."""
        if self.running():
            self.process.kill()
        self.process.wait()


def call(*command, limit_s=60.0, stdin=None):
    """Runs a command to its end: (exit code, output, messages)."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True,
                          timeout=limit_s * PATIENCE, env={**os.environ, "NO_COLOR": "1"})
    return done.returncode, done.stdout, done.stderr


def demand(*command, limit_s=60.0, stdin=None):
    """Runs a command that has to succeed and returns its output."""
    code, output, messages = call(*command, limit_s=limit_s, stdin=stdin)
    if code != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {code}\n{messages}{output[-4000:]}")
    return output
