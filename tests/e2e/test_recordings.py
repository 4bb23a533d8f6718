"""The recordings of firmware-sim/traces: small enough, each with licence, source and mapping, and what the documents say of them."""

import gzip
import hashlib
import json
import re
import tomllib

import pytest

from longhaul_e2e import recordings
from longhaul_e2e.processes import call
from longhaul_e2e.site import programs_folder, top_folder

TRACES = top_folder() / "firmware-sim" / "traces"
BYTES_MAX = 4_000_000  # of all folders together
FOLDERS = sorted(path.name for path in TRACES.iterdir())
KEPT = {"LICENSE", "README.md"}


def mappings(folder):
    return sorted((TRACES / folder).glob("*.toml"))


def recordings_of(folder):
    return {tomllib.loads(mapping.read_text())["trace"]["file"] for mapping in mappings(folder)}


def test_all_of_them_are_small():
    assert sum(path.stat().st_size for path in TRACES.rglob("*") if path.is_file()) <= BYTES_MAX


def test_the_proof_plays_every_mapping():
    named = {name + ("" if "/" in name else "/mapping") for name in recordings.NAMES}
    assert {f"{folder}/{mapping.stem}" for folder in FOLDERS for mapping in mappings(folder)} == named


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_recording_has_its_licence_source_and_mapping(folder):
    there = {path.name for path in (TRACES / folder).iterdir()}
    assert KEPT <= there and mappings(folder)
    others = there - KEPT - recordings_of(folder) - {mapping.name for mapping in mappings(folder)}
    assert others <= {"convert.py"}, "what is not a recording of a mapping"
    assert (TRACES / folder / "LICENSE").read_text().strip()
    text = (TRACES / folder / "README.md").read_text()
    assert re.search(r"^- Source: <https://\S+>, commit\s+`[0-9a-f]{40}`", text, re.M)
    assert re.search(r"^- Licence: \S.*\(`LICENSE`\)", text, re.M)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_recording_is_the_one_that_its_page_describes(folder):
    text = " ".join((TRACES / folder / "README.md").read_text().split())
    for file in recordings_of(folder):
        raw = gzip.decompress((TRACES / folder / file).read_bytes())
        assert f"{len(raw):,} bytes" in text and f"`{hashlib.sha256(raw).hexdigest()}`" in text, file


@pytest.mark.parametrize("folder", FOLDERS)
def test_agent_and_manual_count_what_python_counts(folder):
    """Devices and samples of all its mappings; the refused lines by reason, of each."""
    devices = samples = 0
    for mapping in mappings(folder):
        read = recordings.read(mapping)
        code, output, messages = call(programs_folder() / "longhaul-agent", "trace", "list", mapping, "--json")
        assert (code, messages) == (0, "")
        assert json.loads(output) == {"devices": {name: len(rows) for name, rows in read.devices.items()},
                                      "refused": read.refusals(read.devices)}
        devices += len(read.devices)
        samples += read.samples
    manual = (top_folder() / "docs" / "recordings.md").read_text()
    row = re.search(rf"^\| `{folder}` \|[^|]*\| ([\d,]+) \| ([\d,]+) \|", manual, re.M)
    assert row and row.groups() == (f"{devices:,}", f"{samples:,}")
