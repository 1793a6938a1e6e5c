"""Liveness, readiness and the counters for Prometheus."""

from __future__ import annotations

import pytest
from service import Caller, sample

from storage.store import StorageUnavailable


async def test_it_lives_and_is_ready(caller: Caller) -> None:
    assert (await caller.get("/healthz", token="")).body == {"status": "ok"}
    ready = await caller.get("/readyz", token="")
    assert (ready.status, ready.body["model"].split("/")[0]) == (200, "embedded")


async def test_without_a_database_it_lives_but_is_not_ready(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(self: object) -> None:
        raise StorageUnavailable("gone")

    monkeypatch.setattr(type(caller.house.store), "ping", gone)
    assert (await caller.get("/healthz", token="")).status == 200
    refused = await caller.get("/readyz", token="")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")


async def test_counters_tell_what_happened(caller: Caller) -> None:
    await caller.send("12345", sample("12345"))
    await caller.send("12345", sample("12345"))
    await caller.send("12345", {})
    text = (await caller.get("/metrics", token="")).body
    assert 'intake_complaints_total{channel="12345",outcome="dispatched"} 1.0' in text
    assert 'intake_complaints_total{channel="12345",outcome="duplicate"} 1.0' in text
    assert 'intake_complaints_total{channel="12345",outcome="refused"} 1.0' in text
    assert 'intake_open_tickets{light="green"} 1.0' in text
    assert 'intake_outbox{state="waiting"}' in text
    assert "13800000000" not in text
