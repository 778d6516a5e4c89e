"""On a cluster of two processes, one of them killed midway, a suite gives the same table."""

import os
import signal
import threading
import time

import pandas as pd
import pytest

from tripos.comparisons import run_suite

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster(monkeypatch):
    """Two worker processes, heard on this machine alone."""
    monkeypatch.setenv("SUITE_PAUSE", "0.2")  # for the kill to come in between
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    private = {"host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**settings, **private) as cluster:
        yield cluster


def test_a_worker_that_is_killed_changes_nothing(cluster, own, inline, tmp_path, monkeypatch):
    call = {"models": [own("one"), own("two")], "methods": [own("paused")], "repeats": 4}
    store = tmp_path / "store"
    with distributed.Client(cluster, set_as_default=False) as client:
        assert all("127.0.0.1" in address for address in client.scheduler_info()["workers"])
        pids = client.run(os.getpid)
        killer = threading.Thread(target=_kill_midway, args=(store, next(iter(pids.values()))))
        killer.start()
        suite = run_suite(**call, store=store, executor=client.get_executor())
        killer.join()
        assert set(client.run(os.getpid).values()) != set(pids.values())
    assert suite.failures() == {}
    monkeypatch.delenv("SUITE_PAUSE")
    whole = run_suite(**call, store=tmp_path / "whole", executor=inline)
    pd.testing.assert_frame_equal(suite.summary(), whole.summary(), check_exact=True)


def _kill_midway(store, pid):
    while len(list(store.glob("cells/[!.]*/record.json"))) < 2:
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
