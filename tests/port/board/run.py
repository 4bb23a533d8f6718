#!/usr/bin/env python3
"""Runs the image of the contracts on a board in QEMU and repeats its console: run.py [--lost RESTARTS] BOARD IMAGE

QEMU's network sends back what goes to 10.0.2.100, port 7. RESTARTS: those over which the board's memory is lost, its flash is not; QEMU ends
there, and a new one starts with the same flash.

  none      the board keeps what it promises
  once      the first one alone: a power cut, of which nothing may be left in the result
  all       as where a boot loader clears the memory: the image has to say so, leave out what it cannot see, and come to its end
  watchdog  that by the watchdog: the same

Exit codes: 0 as it should be, 1 a promise fails that should hold, or the other way round, or the image did not get to its end.
"""
import argparse
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

LIMIT_S = 150
STARTS_MAX = 9
RECEIVER_BYTES = 400
NETWORK = "user,guestfwd=tcp:10.0.2.100:7-cmd:/bin/cat,model="
FLASH_BYTES = 16 << 20
MEMORY = ["-object", f"memory-backend-file,id=nor,size={FLASH_BYTES},share=on,mem-path="]
BOARDS = {"mps2_an385": ["mps2-an385,memory-backend=nor", "lan9118"], "mps2_an505": ["mps2-an505,memory-backend=nor", "lan9118"],
          "emcraft_sf2": ["emcraft-sf2", "msf2-emac"]}
FAILS = {"all": "contract: reset: memory that is not zeroed stays: FAILS\n",
         "watchdog": "contract: reset: a main loop that hangs is ended, and leaves last words: FAILS\n"}
COUNTS = {"all": ("1", "2"), "watchdog": ("1", "0")}  # fail, left out


def command_of(board, image, folder):
    flash, (machine, network) = folder / "flash.img", BOARDS[board]
    keeps = ["-drive", f"if=mtd,format=raw,file={flash}"] if board == "emcraft_sf2" else [MEMORY[0], MEMORY[1] + str(flash)]
    return ["qemu-system-arm", "-M", machine, *keeps, "-nic", NETWORK + network, "-display", "none", "-monitor", "none",
            "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off",
            "-serial", "stdio", "-serial", f"unix:{folder / 'line'},server=on,wait=off", "-kernel", image]


def end_at_restart(folder):
    """From now on QEMU ends where the board restarts."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(folder / "qmp"))
        answers = monitor.makefile()
        for what in ({"execute": "qmp_capabilities"}, {"execute": "set-action", "arguments": {"reboot": "shutdown"}}):
            monitor.sendall(json.dumps(what).encode())
            while "return" not in json.loads(answers.readline()):
                pass


def lines_of(command, folder, lost):
    """Of one start; ends with QEMU."""
    with (subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as qemu, socket.socket(socket.AF_UNIX) as receiver):
        limit = threading.Timer(LIMIT_S, qemu.kill)
        limit.start()
        try:
            for line in qemu.stdout:
                print(line, end="", flush=True)
                if "receiver: waits" in line:
                    receiver.connect(str(folder / "line"))
                    receiver.sendall(bytes(at % 256 for at in range(RECEIVER_BYTES)))
                if lost == "watchdog" and "a failed check leaves last words" in line:
                    end_at_restart(folder)
                yield line
        finally:
            limit.cancel()
            qemu.kill()


def lines_of_starts(command, folder, lost):
    for start in range(STARTS_MAX):
        ends = lost == "all" or lost == "once" and start == 0
        yield from lines_of([*command, "-no-reboot"] if ends else command, folder, lost)
        print("contract: all that was in memory is lost", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lost", choices=["none", "once", *FAILS], default="none")
    parser.add_argument("board", choices=BOARDS)
    parser.add_argument("image")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lh-") as name:
        folder, failed = pathlib.Path(name), []
        (folder / "flash.img").write_bytes(b"\xff" * FLASH_BYTES)
        for line in lines_of_starts(command_of(args.board, args.image, folder), folder, args.lost):
            if line.endswith(": FAILS\n"):
                failed.append(line)
            if found := re.fullmatch(r"contract: (\d+) hold, (\d+) fail, (\d+) left out\n", line):
                right = failed == [FAILS[args.lost]] if args.lost in FAILS else not failed
                return 0 if int(found[1]) > 0 and found.groups()[1:] == COUNTS.get(args.lost, ("0", "0")) and right else 1
    print("contract: the image did not get to its end")
    return 1


sys.exit(main())
