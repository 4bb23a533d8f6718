"""Registry and keys are copied from a collector that runs, and are enough for another one to start."""

import stat
from pathlib import Path

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, demand
from longhaul_e2e.site import Site

DONE, BAD_DATA = 0, 65


@pytest.fixture()
def site(tmp_path):
    recording = forge(tmp_path / "forged", 13, devices=2)
    with Site(tmp_path / "site") as made:
        demand(made.bin / "longhaul", "tenant", "enrolment", "acme", "--dir", made.authority)
        made.start_collector()
        made.recording = recording
        made.add_devices(sorted(recording.devices), recording)
        yield made


def back_up(site, folder: Path):
    return call(site.bin / "longhaul", "backup", folder, "--config", site.config)


def restore(site, folder: Path, config: Path):
    return call(site.bin / "longhaul", "restore", folder, "--config", config)


def files_of(folder: Path):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_backup_is_enough_for_another_collector(site, tmp_path):
    backup, place = tmp_path / "safe" / "backup", tmp_path / "new"
    code, output, messages = back_up(site, backup)  # while it runs
    assert (code, messages) == (DONE, ""), messages
    assert "read back" in output
    demand("sh", "-c", f"cd '{backup}' && sha256sum --quiet --check manifest")
    for path in backup.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert {path.parts[0] for path in files_of(backup)} == {
        "manifest", "collector.toml", "registry.db", "server.crt", "server.key", "sealing", "enrolment", "trail"}
    code, _, messages = back_up(site, backup)
    assert code == BAD_DATA and "is there already" in messages

    # The machine is gone. Its devices come to the new one and send what they have.
    assert site.stop_collector() == DONE
    code, output, messages = restore(site, backup, place / "collector.toml")
    assert (code, messages) == (DONE, ""), messages
    collector = site.authority / "collector"
    for name in ("registry.db", "server.key"):
        assert stat.S_IMODE((place / name).stat().st_mode) == 0o600
    for name in ("server.crt", "server.key"):
        assert (place / name).read_bytes() == (collector / name).read_bytes()
    before = files_of(place)
    code, _, messages = restore(site, backup, place / "collector.toml")
    assert code == BAD_DATA and "is there already" in messages and files_of(place) == before
    trails = demand(site.bin / "longhaul", "audit-trail", "verify", "--config", place / "collector.toml")
    assert "acme: " in trails and "NOT whole" not in trails

    site.config = place / "collector.toml"
    site.start_collector()
    assert site.start_agent().wait()[0] == DONE
    assert site.stop_collector() == DONE
    code, report = site.audit()
    assert code == DONE and report["totals"]["rows"] == site.recording.samples


@pytest.mark.parametrize("harm", ["flip", "remove", "escape", "truncate"])
def test_of_a_damaged_backup_nothing_is_restored(site, tmp_path, harm):
    backup, place = tmp_path / "backup", tmp_path / "new"
    assert back_up(site, backup)[0] == DONE
    manifest = backup / "manifest"
    if harm == "flip":
        whole = bytearray((backup / "registry.db").read_bytes())
        whole[len(whole) // 2] ^= 4
        (backup / "registry.db").write_bytes(whole)
    elif harm == "remove":
        next(backup.glob("sealing/*.key")).unlink()
    elif harm == "escape":
        manifest.write_text(manifest.read_text().replace("server.key", "sealing/../../server.key"))
    else:
        manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if "registry" not in line))
    code, _, messages = restore(site, backup, place / "collector.toml")
    assert code == BAD_DATA and str(backup) in messages
    assert not place.exists()


def test_a_backup_of_what_is_not_whole_is_refused(site, tmp_path):
    site.stop_collector()
    registry = site.authority / "collector" / "registry.db"
    whole = registry.read_bytes()
    registry.write_bytes(whole[:4096] + b"\xa5" * 4096 + whole[8192:])
    code, _, messages = back_up(site, tmp_path / "backup")
    assert code == BAD_DATA and "registry.db: cannot be copied" in messages
