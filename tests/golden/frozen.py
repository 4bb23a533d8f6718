#!/usr/bin/env python3
"""Golden files never change and never go: compares them with the sums in frozen.sha256, where each of them stands.

frozen.py [--add | --self-test]    --add writes the sums of new files into the list; it alters no line that is there
"""
import hashlib
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent
LIST = GOLDEN / "frozen.sha256"  # as sha256sum writes it
CODE = {".py", ".cpp", ".hpp", ".md", ".sha256"}


def sums():
    files = sorted(path for path in GOLDEN.rglob("*") if path.is_file() and path.suffix not in CODE
                   and path.name != "CMakeLists.txt" and "__pycache__" not in path.parts)
    return {str(path.relative_to(GOLDEN)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def listed():
    lines = LIST.read_text().splitlines() if LIST.exists() else []
    return {name: value for value, name in (line.split(maxsplit=1) for line in lines)}


def faults_of(frozen, found):
    faults = [f"{name}: is gone; what was written once must be read for ever" for name in frozen if name not in found]
    faults += [f"{name}: has changed; a new version of a format gets a new file" for name in frozen if found.get(name, frozen[name]) != frozen[name]]
    return faults + [f"{name}: is not in frozen.sha256; tests/golden/frozen.py --add" for name in found if name not in frozen]


def self_test():
    """Whether it would see what it is for."""
    frozen = {"kept": "1", "changed": "2", "gone": "3"}
    seen = faults_of(frozen, {"kept": "1", "changed": "4", "new": "5"})
    return 0 if [fault.split(":")[0] for fault in seen] == ["gone", "changed", "new"] else 1


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    frozen, found = listed(), sums()
    if sys.argv[1:] == ["--add"]:
        LIST.write_text("".join(f"{value}  {name}\n" for name, value in sorted((found | frozen).items())))
        return 0
    faults = faults_of(frozen, found)
    print("\n".join([*faults, f"frozen: {len(found)} files, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
