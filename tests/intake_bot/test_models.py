"""Model versions in a running service: listed, switched without losing a request, and how often their word stood."""

from __future__ import annotations

import asyncio

import pytest
from service import Caller, sample

from domain.category import CategoryTree
from domain.understanding import Evidence
from intake_bot import engines
from intake_bot.learning import corrected_rows
from intake_bot.settings import Deployment
from nlu.embedded.engine import EmbeddedEngine
from nlu.models import ModelShelf


async def test_a_switched_model_takes_over_while_requests_run(
    two_models: Deployment, tree: CategoryTree, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOOK_EVERY", 0.02)
    shelf = ModelShelf(two_models.path("models"))
    async with engines.open_engine(two_models, tree) as running:
        assert running.version == engine.version
        spoke: list[str] = []

        async def ask() -> None:
            while spoke[-1:] != ["2000-01-01-twin"]:
                answers = await running.understand([(sample("12345")["majorContent"], Evidence())])
                assert answers[0].category.code == "C0101"
                spoke.append(answers[0].version)
                await asyncio.sleep(0)

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        while not spoke:
            await asyncio.sleep(0.01)
        shelf.make_current("2000-01-01-twin")
        await asyncio.wait_for(asyncio.gather(*asking), 60)
        assert spoke[0] == engine.version
        # A damaged version is not taken: the one that speaks goes on.
        (two_models.path("models") / "broken.json").write_text("{")
        (two_models.path("models") / "broken.npz").write_bytes(b"")
        shelf.pointer.write_text("broken")
        await asyncio.sleep(0.2)
        assert running.version == "2000-01-01-twin"


async def test_versions_are_listed_and_only_an_administrator_switches(caller: Caller) -> None:
    listed = await caller.get("/api/v1/models")
    assert listed.status == 200
    assert listed.body["current"] in {one["version"] for one in listed.body["models"]}
    assert [one["version"] for one in listed.body["models"] if one["current"]] == [listed.body["current"]]
    supervisor = await caller.new_token("supervisor")
    body = {"version": listed.body["current"]}
    assert (await caller.post("/api/v1/models/current", body, supervisor)).status == 403
    assert (await caller.post("/api/v1/models/current", body)).status == 200
    unknown = await caller.post("/api/v1/models/current", {"version": "no-such"})
    assert (unknown.status, unknown.fields) == (422, ["version"])


async def test_a_correction_counts_against_the_model_and_becomes_a_training_row(caller: Caller) -> None:
    numbers = []
    for number in range(3):
        body = {
            **sample("12345"),
            "orderNum": f"Q{number}",
            "majorContent": f"恬庄古街第{number}个流动摊贩占道经营，电话13800000000",
        }
        numbers.append((await caller.send("12345", body)).body["ticket_no"])
    await caller.act(numbers[0], "reclassify", category="C0103", note="是夜市")
    secret = (await caller.send("12369", sample("12369"))).body["ticket_no"]
    await caller.act(secret, "reclassify", category="E0102", note="是粉尘")
    found = (await caller.get("/api/v1/models/quality", params={"weeks": "1"})).body["weeks"]
    by_category = {one["category"]["code"]: (one["tickets"], one["never_corrected"]) for one in found}
    assert by_category == {"C0101": (3, 2), "E0101": (1, 0)}
    rows = await caller.house.store.corrections.rows()
    assert [(one.category, "13800000000" in one.text) for one in rows] == [("C0103", False)], "保密 is left out"


async def test_what_was_returned_is_learnt_as_a_matter_of_whoever_has_it_now(caller: Caller) -> None:
    desk = await caller.new_token("operator")
    told = {"title": "", "questionCode": "", "majorContent": "恬庄古街有人在楼顶搭棚子"}
    body = {**sample("12345"), **told}
    no = (await caller.send("12345", body)).body["ticket_no"]
    ticket = await caller.house.store.tickets.get(no)
    assert ticket is not None and ticket.lead is not None
    tree, first = caller.house.tree, ticket.lead.unit
    member = await caller.new_token("brigade", first)
    others = [
        (one.code, leaf.unit)
        for one in ticket.understanding.runners_up
        if (leaf := tree.get(one.code)) is not None and leaf.unit is not None and leaf.unit != first
    ]
    assert others, "the model has thought of a matter of another unit: else this test tells nothing"
    category, unit = others[0]
    await caller.act(no, "accept", member)
    await caller.act(no, "return", member, reason_code="R1", basis="权力清单第12项")
    assert await corrected_rows(caller.house.store, tree) == [], "nobody has ruled yet"
    assert (await caller.act(no, "transfer", desk, brigade=unit, reason="同意退单")).status == 200
    (row,) = await corrected_rows(caller.house.store, tree)
    assert row.label == category
    assert "搭棚子" in row.text
    await caller.act(no, "reclassify", desk, category="C0103", note="是夜市")
    assert [one.label for one in await corrected_rows(caller.house.store, tree)] == ["C0103"]
