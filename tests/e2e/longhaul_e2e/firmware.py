"""A board in QEMU: it runs the release image on the image of its flash, a receiver speaks on its serial line, its network ends
on this machine's loopback."""

import json
import os
import re
import shutil
import socket
import tempfile
import threading
from pathlib import Path

from .processes import Program, demand, wait_until
from .site import top_folder

FLASH_BYTES = 16 << 20
NOWHERE = 0xe0000000  # nothing is ever executed there
HOST = "10.0.2.2"  # as QEMU's user-mode network calls this machine's loopback
BOARDS = {
    "cortex-m3": ["-M", "mps2-an385,memory-backend=nor", "-nic", "user,id=n0,model=lan9118"],
    "cortex-m33": ["-M", "mps2-an505,memory-backend=nor", "-nic", "user,id=n0,model=lan9118"],
    "sf2": ["-M", "emcraft-sf2", "-nic", "user,id=n0,model=msf2-emac"],
}


TORN_PLAN = {"cortex-m3": 0x20300000, "cortex-m33": 0x38300000}  # where agent/platform/cortexm/torn_flash.hpp reads it


def image_of(preset, name="longhaul-firmware"):
    folder = Path(os.environ.get("LH_FIRMWARE", top_folder() / "build"))
    image = folder / preset / "bin" / f"{name}.elf"
    assert image.exists(), f"{image} is not there; build it with: cmake --workflow --preset {preset}"
    return image


class Board:
    def __init__(self, site, name, preset):
        self.site, self.name, self.preset = site, name, preset
        self.folder = site.devices / name
        self.flash = self.folder / "flash.img"
        self.program = self._receiver = self._monitor = self._speaker = None
        self.starts = 0
        # A socket's name has a limit that the folders of tests exceed.
        self._sockets = Path(tempfile.mkdtemp(prefix="lh-"))

    def provision(self):
        demand(self.site.bin / "longhaul", "device", "image", self.folder, "--out", self.flash,
               "--collector", f"{HOST}:{self.site.port}")

    def start(self, torn=None):
        """`torn`: (step, seed), when the power goes in a step of the flash and how; such an image is another one."""
        self.starts += 1
        image, plan = image_of(self.preset), []
        if torn is not None:
            image = image_of(self.preset, "longhaul-firmware-torn")
            plan = ["-device", f"loader,addr={TORN_PLAN[self.preset]:#x},data={torn[1] << 16 | torn[0]:#x},data-len=4"]
        line, monitor, self._debugger = (self._sockets / f"{what}{self.starts}" for what in ("line", "qmp", "gdb"))
        flash = (["-object", f"memory-backend-file,id=nor,size=16M,mem-path={self.flash},share=on"]
                 if self.preset != "sf2" else ["-drive", f"if=mtd,format=raw,file={self.flash}"])
        self.log = self.folder / f"console-{self.starts}.log"
        self.program = Program(
            [shutil.which("qemu-system-arm"), *BOARDS[self.preset], *flash, "-display", "none", "-monitor", "none",
             "-serial", f"file:{self.log}", "-serial", f"unix:{line},server=on,wait=off",
             "-qmp", f"unix:{monitor},server=on,wait=off", "-gdb", f"unix:{self._debugger},server=on,wait=off", "-kernel", image, *plan],
            self.folder / f"qemu-{self.starts}.log")
        self.site.agents.append(self.program)
        self._receiver = self._connect(line)
        self._monitor = self._connect(monitor).makefile("rw")
        self._monitor.readline()
        self.command("qmp_capabilities")

    def _connect(self, path):
        def connected():
            assert self.program.running(), self.program.messages()
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(60)
            try:
                made.connect(str(path))
            except OSError:
                made.close()
                return None
            return made
        return wait_until(connected, f"QEMU at {path}")

    def command(self, what, /, **arguments):
        self._monitor.write(json.dumps({"execute": what, "arguments": arguments}) + "\n")
        self._monitor.flush()
        while "event" in (answer := json.loads(self._monitor.readline())):
            pass
        assert "return" in answer, answer

    def cable(self, up):
        self.command("set_link", name="n0", up=up)

    def fault(self):
        """Sends the processor to an address where no code can be, as a debugger would."""
        with self._connect(self._debugger) as debugger:
            # Registers are written one by one only for those who asked which there are; the program counter is number 15.
            for packet in ("qXfer:features:read:target.xml:0,10", f"Pf={NOWHERE.to_bytes(4, 'little').hex()}", "D"):
                debugger.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
                answer = b""
                while not re.search(rb"\$[^T][^#]*#..$", answer):  # $T: that it has stopped, at any moment
                    answer += debugger.recv(1)
                debugger.sendall(b"+")
                assert re.search(rb"\$(OK|[lm])", answer), (packet, answer)

    def say(self, data):
        """What the receiver begins to say: the board reads 20 KB a second, or until it is killed."""
        def speak(line):
            try:
                line.sendall(data)
            except OSError:
                pass  # killed
        self._receiver.settimeout(None)
        self._speaker = threading.Thread(target=speak, args=(self._receiver,), daemon=True)
        self._speaker.start()

    def console(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self):
        self.program.kill()
        if self._speaker is not None:
            self._speaker.join(10)
        self._receiver.close()

    def close(self):
        if self.program is not None:
            self.kill()
        shutil.rmtree(self._sockets, ignore_errors=True)
