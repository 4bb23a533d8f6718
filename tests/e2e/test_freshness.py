"""What the metrics say of data that does not come: a device that is silent, a shard that lags, a table that has not grown."""

import pytest
from deltalake import DeltaTable

from longhaul_e2e.forged import forge
from longhaul_e2e.journal import date_back, shard_bytes, shard_of
from longhaul_e2e.operated import Operated
from longhaul_e2e.processes import wait_until
from longhaul_e2e.readers import by_duckdb
from longhaul_e2e.site import TENANT

DONE = 0
HOUR_US = 3_600_000_000
NO_ROW_BYTES_MAX = 600  # of entries before the first one that becomes a row


@pytest.fixture()
def site(tmp_path):
    with Operated(tmp_path / "site", commit_interval_s=3600) as made:
        made.set_config("[lake]", "upkeep_interval_s = 1")
        made.recording = forge(tmp_path / "forged", 51, devices=2)
        yield made


def commit_soon(site):
    site.config.write_text(site.config.read_text().replace("commit_interval_s = 3600", "commit_interval_s = 1"))


def run_agent(site, names=None):
    agent = site.start_agent_for(names) if names else site.start_agent()
    assert agent.wait()[0] == DONE, agent.messages()


def wait_for(site, wanted):
    """Until all these metrics have exactly these values."""
    told = {}

    def there():
        told.update(site.metrics())
        return all(told.get(name) == value for name, value in wanted.items())
    try:
        wait_until(there, str(wanted))
    except TimeoutError:
        raise AssertionError({name: (told.get(name), value) for name, value in wanted.items()}) from None


def test_a_device_that_is_silent_is_counted_until_it_comes_back(site):
    site.start()
    names = sorted(site.recording.devices)
    site.add_devices(names, site.recording)
    run_agent(site)
    site.kill_collector()
    assert date_back(site.journal, names[0], 600_000_000) > 2  # three times 300 s would be too long
    commit_soon(site)
    site.start()
    wait_for(site, {"longhaul_devices": 2, "longhaul_devices_silent": 0, "longhaul_gaps": 0})

    site.kill_collector()
    for folder in (site.lake, site.journal / "snapshots"):
        if folder.exists():
            folder.rename(site.folder / f"{folder.name}-before")
    assert date_back(site.journal, names[0], 600_000_000) > 2
    site.start()
    wait_for(site, {"longhaul_devices": 2, "longhaul_devices_silent": 1})
    silent = by_duckdb(site.lake / TENANT / "_devices", {"device": "text", "silent": "boolean", "rhythm_s": "integer"})
    assert sorted(silent) == [(names[0], True, 300), (names[1], False, 300)]
    run_agent(site, names[:1])
    wait_for(site, {"longhaul_devices": 2, "longhaul_devices_silent": 0})
    assert site.stop_collector() == DONE


def wait_for_lag(site, sizes):
    """What the writer reads before anything that becomes a row (a schema, a record) may be done already. `sizes` are looked at each time:
    the entry of a connection comes when its session has ended."""
    def there():
        metrics = site.metrics()
        told = [metrics.get(f'longhaul_writer_shard_lag_bytes{{shard="{shard}"}}', -1) for shard in range(3)]
        exact = all(max(0, size - NO_ROW_BYTES_MAX) <= lag <= size for lag, size in zip(told, sizes()))
        return exact and metrics["longhaul_writer_lag_bytes"] == sum(told)
    wait_until(there, "shards to lag by what is in the journal")


def test_the_shard_that_lags_is_told_by_its_bytes(site):
    site.set_config("[journal]", "shards = 3")
    site.start()
    names = sorted(site.recording.devices)
    site.add_devices(names, site.recording)
    shards = [shard_of(TENANT, name, 3) for name in names]
    assert len(set(shards)) == 2, "they lag by themselves, and one shard not at all"

    def sizes():
        return [shard_bytes(site.journal, shard) for shard in range(3)]
    for here in (1, 2):
        run_agent(site, names[here - 1:here])
        wait_for(site, {"longhaul_sessions": 0})
        wait_for_lag(site, sizes)
        assert [size > 0 for size in sizes()] == [shard in shards[:here] for shard in range(3)]
        assert all(size == 0 or size > 4 * NO_ROW_BYTES_MAX for size in sizes()), sizes()
    assert site.metrics()["longhaul_writer_lag_seconds"] > 0
    assert site.stop_collector() == DONE  # commits
    site.start()
    wait_for_lag(site, lambda: (0, 0, 0))
    wait_for(site, {"longhaul_writer_lag_seconds": 0})
    before = sizes()

    def grown():
        return [size - was for size, was in zip(sizes(), before)]
    for name in names[1:] * 2:
        run_agent(site, [name])
    wait_for(site, {"longhaul_sessions": 0})
    wait_for_lag(site, grown)
    assert grown()[shards[1]] > 0 and sum(grown()) == grown()[shards[1]]


def rewrite(table):
    """Another program makes all files anew, of the same rows."""
    rewritten = DeltaTable(str(table)).optimize.z_order(["device"])
    assert rewritten["numFilesRemoved"] > 0 and rewritten["numFilesAdded"] > 0


@pytest.mark.parametrize("hours, wanted", [(0, (0, 0, 0)), (2, (1, 0, 0)), (25, (1, 1, 0)), (24 * 7 + 1, (1, 1, 1))])
def test_a_table_that_has_not_grown_is_counted_until_it_does(site, hours, wanted):
    stale = [f'longhaul_lake_stale_tables{{for="{span}"}}' for span in ("hour", "day", "week")]
    site.start()
    names = sorted(site.recording.devices)
    site.add_devices(names, site.recording)
    run_agent(site)
    site.kill_collector()
    assert all(date_back(site.journal, name, hours * HOUR_US) > 2 for name in names)
    commit_soon(site)
    site.start()
    wait_until(lambda: site.metrics().get("longhaul_lake_rows"), "the upkeep to have looked at the tables")
    wait_for(site, dict(zip(stale, wanted)))
    rewrite(site.lake / TENANT / site.recording.table)
    looked_at = site.metrics()["longhaul_devices_surveyed_timestamp_seconds"]
    wait_until(lambda: site.metrics()["longhaul_devices_surveyed_timestamp_seconds"] > looked_at, "the upkeep to look again")
    assert [site.metrics()[name] for name in stale] == list(wanted)
    run_agent(site)
    wait_for(site, dict.fromkeys(stale, 0))
    assert site.stop_collector() == DONE
