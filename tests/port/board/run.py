#!/usr/bin/env python3
"""Runs the image of the contracts on a board in QEMU and repeats its console: run.py BOARD IMAGE

QEMU's network sends back what goes to 10.0.2.100, port 7. Exit codes: 0 all promises hold, 1 one fails or the image did not get to its end.
"""
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

LIMIT_S = 150
RECEIVER_BYTES = 400
NETWORK = "user,guestfwd=tcp:10.0.2.100:7-cmd:/bin/cat,model="
FLASH_BYTES = 16 << 20
MEMORY = ["-object", f"memory-backend-file,id=nor,size={FLASH_BYTES},share=on,mem-path="]
BOARDS = {"mps2_an385": ["mps2-an385,memory-backend=nor", "lan9118"], "mps2_an505": ["mps2-an505,memory-backend=nor", "lan9118"],
          "emcraft_sf2": ["emcraft-sf2", "msf2-emac"]}


def command_of(board, image, folder):
    flash, (machine, network) = folder / "flash.img", BOARDS[board]
    flash.write_bytes(b"\xff" * FLASH_BYTES)
    keeps = ["-drive", f"if=mtd,format=raw,file={flash}"] if board == "emcraft_sf2" else [MEMORY[0], MEMORY[1] + str(flash)]
    return ["qemu-system-arm", "-M", machine, *keeps, "-nic", NETWORK + network, "-display", "none", "-monitor", "none",
            "-serial", "stdio", "-serial", f"unix:{folder / 'line'},server=on,wait=off", "-kernel", image]


def main():
    board, image = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="lh-") as name:
        folder = pathlib.Path(name)
        with (subprocess.Popen(command_of(board, image, folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as qemu,
              socket.socket(socket.AF_UNIX) as receiver):
            limit = threading.Timer(LIMIT_S, qemu.kill)
            limit.start()
            try:
                for line in qemu.stdout:
                    print(line, end="", flush=True)
                    if "receiver: waits" in line:
                        receiver.connect(str(folder / "line"))
                        receiver.sendall(bytes(at % 256 for at in range(RECEIVER_BYTES)))
                    if found := re.fullmatch(r"contract: (\d+) hold, (\d+) fail, (\d+) left out\n", line):
                        return 0 if int(found[1]) > 0 and found[2] == "0" and found[3] == "0" else 1
            finally:
                limit.cancel()
                qemu.kill()
    print("contract: the image did not get to its end")
    return 1


sys.exit(main())
