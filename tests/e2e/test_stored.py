"""What each device takes up in the lake: the shares add up to the files, also when those were merged."""

import json
from collections import Counter

import pytest

from longhaul_e2e.forged import forge
from longhaul_e2e.processes import call, demand
from longhaul_e2e.readers import by_duckdb
from longhaul_e2e.site import TENANT, Site

DONE, USAGE, BAD_DATA = 0, 64, 65
OTHER = "globex"


@pytest.fixture()
def site(tmp_path):
    with Site(tmp_path / "site", tenants=(TENANT, OTHER)) as made:
        made.recording = forge(tmp_path / "forged", 31, devices=3)
        made.names = sorted(made.recording.devices)
        made.start_collector()
        made.add_devices(made.names, made.recording)
        made.add_devices(made.names[:1], made.recording, tenant=OTHER, folder=made.folder / "other")
        for folder in (made.devices, made.folder / "other"):
            agent = made.start_agent(folder)
            assert agent.wait()[0] == DONE, agent.messages()
        assert made.stop_collector() == DONE
        yield made


def stored(site, *options):
    return json.loads(demand(site.bin / "longhaul", "lake", "stored", "--config", site.config, "--json", *options))


def table(site, tenant=TENANT):
    return site.lake / tenant / site.recording.table


def files(site, tenant=TENANT):
    actions = [json.loads(line) for commit in sorted(table(site, tenant).glob("_delta_log/*.json")) for line in commit.read_text().splitlines()]
    sizes = {}
    for action in actions:
        if "add" in action:
            sizes[action["add"]["path"]] = action["add"]["size"]
        if "remove" in action:
            del sizes[action["remove"]["path"]]
    return sizes


def rows_of(site, tenant=TENANT):
    return Counter(device for device, in by_duckdb(str(table(site, tenant)), {"device": "text"}))


def check(site):
    told = stored(site)
    assert {(one["tenant"], one["device"]): one["rows"] for one in told["stored"]} == \
        {(tenant, device): rows for tenant in (TENANT, OTHER) for device, rows in rows_of(site, tenant).items()}
    assert all(one["bytes"] > 0 for one in told["stored"])
    for tenant in (TENANT, OTHER):
        assert sum(one["bytes"] for one in told["stored"] if one["tenant"] == tenant) == sum(files(site, tenant).values())
    assert told["bytes"] == sum(one["bytes"] for one in told["stored"])
    return told


def test_shares_are_the_files_before_and_after_they_are_merged(site):
    before = check(site)
    demand(site.bin / "longhaul", "lake", "compact", "--config", site.config)
    check(site)
    text = demand(site.bin / "longhaul", "lake", "stored", "--config", site.config).splitlines()
    assert text[0].split() == ["tenant", "device", "rows", "bytes"]
    assert [line.split()[:2] for line in text[1:]] == [[one["tenant"], one["device"]] for one in before["stored"]]


def test_a_day_is_told_by_the_hour(site):
    days = {path.split("/")[0].partition("=")[2] for path in files(site)}
    told = [one for day in days for one in stored(site, "--day", day)["stored"]]
    assert all(one["hour"][:10] in days and one["hour"].endswith(":00:00Z") for one in told)
    whole = stored(site)
    assert sum(one["bytes"] for one in told) == whole["bytes"]
    assert sum(one["rows"] for one in told) == sum(one["rows"] for one in whole["stored"])
    assert stored(site, "--day", "2001-01-01")["stored"] == []
    assert "hour" in demand(site.bin / "longhaul", "lake", "stored", "--config", site.config, "--day", days.pop()).splitlines()[0]


def test_what_cannot_be_told_is_named(site):
    command = [site.bin / "longhaul", "lake", "stored", "--config", site.config]
    for day in ("yesterday", "2026-13-01", "2026-11-21T05:58", "2026- 1-01"):
        code, _, messages = call(*command, "--day", day)
        assert code == USAGE and f"--day {day}" in messages
    code, _, messages = call(*command, "--table", f"{TENANT}/_epochs")
    assert code == BAD_DATA and "system table" in messages
    path = next(iter(files(site)))
    (table(site) / path).unlink()
    code, output, messages = call(*command, "--json")
    assert (code, output) == (BAD_DATA, "") and f"{TENANT}/{site.recording.table}/{path}" in messages
    assert stored(site, "--table", f"{OTHER}/{site.recording.table}")["bytes"] > 0
