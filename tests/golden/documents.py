#!/usr/bin/env python3
"""Compares the examples of docs/spec with the golden files, so that documents cannot rot.

An example is a code block whose first line is ```golden: <file below tests/golden>. White space means nothing in it,
and # begins a comment.

documents.py [--self-test]
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = TOP / "tests/golden"
SPECS = ("schema", "epoch", "block", "codec", "codec2", "codec3", "frames", "journal")  # each has at least one example
EXAMPLE = re.compile(r"^```golden: *(\S+)\n(.*?)^```$", re.M | re.S)


def hex_of(text):
    return "".join("".join(line.split("#")[0].split()) for line in text.splitlines())


def faults_of(name, text, read_golden):
    examples = EXAMPLE.findall(text)
    faults = [] if len(examples) == text.count("```golden:") else [f"{name}: an example that is not closed"]
    if not examples:
        faults.append(f"{name}: no example")
    for file, body in examples:
        golden = read_golden(file)
        if golden is None:
            faults.append(f"{name}: {file} is not there")
        elif hex_of(body) != hex_of(golden):
            faults.append(f"{name}: the example differs from {file}")
    return faults


def read_golden(file):
    path = GOLDEN / file
    return path.read_text() if path.is_file() else None


def check():
    faults = []
    for spec in SPECS:
        faults += faults_of(spec + ".md", (TOP / f"docs/spec/{spec}.md").read_text(), read_golden)
    print("\n".join([*faults, f"documents: {len(SPECS)} documents, {len(faults)} faults"]))
    return 1 if faults else 0


def self_test():
    golden = {"a.hex": "00ff\n10\n"}.get
    cases = [  # text, how many faults
        ("```golden: a.hex\n00 ff # twice\n10\n```\n", 0),
        ("```golden: a.hex\n00 ff 11\n```\n", 1),
        ("```golden: a.hex\n00 ff\n```\n", 1),
        ("```golden: b.hex\n00\n```\n", 1),
        ("```golden: a.hex\n00 ff 10\n", 2),
        ("no example\n", 1),
    ]
    wrong = [text for text, faults in cases if len(faults_of("x", text, golden)) != faults]
    print(f"documents: self-test, {len(cases) - len(wrong)} passed, {len(wrong)} failed", *wrong, sep="\n")
    return 1 if wrong else 0


sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else check())
