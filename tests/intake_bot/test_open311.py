"""GeoReport v2 as an independent client (`georeport`) reads it; sending, privacy, refusals, both formats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import xmltodict
from aiohttp.test_utils import TestClient, TestServer
from georeport import GeoReport
from service import ADMIN_TOKEN, Caller

from domain.category import CategoryTree
from domain.people import Role
from intake_bot.api.server import build_app
from intake_bot.house import open_house
from intake_bot.settings import Deployment
from nlu.embedded.engine import EmbeddedEngine

FORM = {
    "service_code": "C0101",
    "description": "凤凰大道人行道上每天有人摆摊卖水果，堵得走不了",
    "lat": "31.7713",
    "long": "120.6247",
    "address_string": "凤凰大道",
    "first_name": "某某",
    "last_name": "赵",
    "phone": "13800000000",
}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def caller(deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine) -> AsyncIterator[Caller]:
    wanted = deployment.settings.open311.model_copy(update={"enabled": True})
    changed = replace(deployment, settings=deployment.settings.model_copy(update={"open311": wanted}))
    async with open_house(changed, tree, engine) as house:
        client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
        async with client:
            yield Caller(client, house)


@pytest.fixture
async def key(caller: Caller) -> str:
    now = caller.house.now()
    return await caller.house.store.accounts.create_token(
        "app-of-a-neighbour", Role.CHANNEL, None, "open311", now, now.replace(year=now.year + 1)
    )


async def post(caller: Caller, form: dict[str, str], kind: str = "json") -> tuple[int, Any]:
    async with caller.client.post(f"/open311/v2/requests.{kind}", data=form) as answer:
        return answer.status, await (answer.json() if kind == "json" else answer.text())


async def get(caller: Caller, path: str) -> tuple[int, Any]:
    async with caller.client.get(f"/open311/v2/{path}") as answer:
        text = await answer.text()
        return answer.status, xmltodict.parse(text) if path.split("?", maxsplit=1)[0].endswith(
            "xml"
        ) else await answer.json()


@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_an_existing_client_reads_what_we_answer(caller: Caller, key: str, kind: str) -> None:
    status, told = await post(caller, FORM | {"api_key": key})
    assert status == 201, told
    no = told[0]["service_request_id"]
    client = GeoReport(str(caller.client.make_url("/open311/v2")), output_format=kind)

    async def asked(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return await asyncio.to_thread(function, *given, **named)

    services = await asked(client.get_service_list)
    assert {"C0101"} <= {one["service_code"] for one in services} and len(services) == len(caller.house.tree.leaves)
    assert (await asked(client.get_service_definition, "C0101"))["service_code"] == "C0101"
    found = await asked(client.get_service_request, no)
    found = found[0] if isinstance(found, list) else found
    assert (found["service_request_id"], found["status"]) == (no, "open")
    for query in ({}, {"service_request_id": no}, {"service_code": "C0101,C0102"}, {"status": "open"}):
        listed = await asked(client.get_service_requests, **query)
        listed = listed if isinstance(listed, list) else [listed]
        assert [one["service_request_id"] for one in listed] == [no], query


async def test_what_is_sent_becomes_a_ticket_and_stays_private(caller: Caller, key: str) -> None:
    _, told = await post(caller, FORM | {"api_key": key})
    no = told[0]["service_request_id"]
    ticket = await caller.house.store.tickets.get(no)
    assert ticket is not None and ticket.complaint.channel == "open311"
    assert (ticket.complaint.reporter.name, ticket.complaint.reporter.phone) == ("赵某某", "13800000000")
    assert key.encode() not in ticket.complaint.raw
    for path in ("requests.json", f"requests/{no}.json", f"tokens/{no}.json", "requests.xml"):
        status, answer = await get(caller, path)
        assert status == 200
        for private in ("13800000000", "赵某某", "摆摊卖水果", "31.7713"):
            assert private not in str(answer)


@pytest.mark.parametrize("hidden", [{"confidential": True}, {"kind": "report"}])
async def test_confidential_matters_and_reports_are_not_there(caller: Caller, hidden: dict[str, Any]) -> None:
    body: dict[str, Any] = {"source": "phone", "content": "恬庄街有人偷偷倒建筑垃圾"}
    if "confidential" in hidden:
        body["reporter"] = {"phone": "13800000000", "confidential": True}
    else:
        body["kind"] = "举报"
    no = (await caller.post("/api/v1/tickets", body)).body["ticket_no"]
    assert (await get(caller, f"requests/{no}.json"))[0] == 404
    assert (await get(caller, "requests.json"))[1] == []
    assert (await get(caller, f"requests.json?service_request_id={no}"))[1] == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"api_key": ""}, 403),
        ({"api_key": "guessed"}, 403),
        ({"service_code": "nothing"}, 404),
        ({"service_code": ""}, 400),
        ({"description": ""}, 400),
        ({"lat": "", "long": "", "address_string": ""}, 400),
        ({"lat": "north", "long": "east"}, 400),
        ({"lat": "31.77", "long": "1000"}, 400),
    ],
)
@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_what_cannot_be_taken_is_refused_in_the_standards_form(
    caller: Caller, key: str, changed: dict[str, str], status: int, kind: str
) -> None:
    answered, told = await post(caller, FORM | {"api_key": key} | changed, kind)
    assert answered == status
    error = told[0] if kind == "json" else xmltodict.parse(told)["errors"]["error"]
    assert int(error["code"]) == status and error["description"]


@pytest.mark.parametrize(
    "query",
    [
        "start_date=yesterday",
        "start_date=2026-01-01T00:00:00Z&end_date=2026-11-01T00:00:00Z",
        "start_date=2026-11-02T00:00:00Z&end_date=2026-11-01T00:00:00Z",
        "status=lost",
        "start_date=0001-01-01T00:00:00Z",
    ],
)
async def test_a_list_that_cannot_be_given_is_refused(caller: Caller, query: str) -> None:
    assert (await get(caller, f"requests.json?{query}"))[0] == 400


async def test_discovery_names_both_formats(caller: Caller) -> None:
    for kind in ("json", "xml"):
        status, told = await get(caller, f"discovery.{kind}")
        assert status == 200 and "application/xml" in str(told)


async def test_closed_is_only_what_is_finished(caller: Caller, key: str) -> None:
    _, told = await post(caller, FORM | {"api_key": key})
    no = told[0]["service_request_id"]
    assert (await get(caller, "requests.json?status=closed"))[1] == []
    other = (await post(caller, FORM | {"api_key": key}))[1][0]["service_request_id"]
    assert (await caller.act(no, "merge", into=other)).status == 200
    closed = (await get(caller, "requests.json?status=closed"))[1]
    assert [one["service_request_id"] for one in closed] == [no]


async def test_it_is_closed_unless_the_configuration_opens_it(
    deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine
) -> None:
    async with open_house(deployment, tree, engine) as house:
        client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
        async with client:
            answer = await client.get("/open311/v2/services.json", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
            assert answer.status == 404


async def test_what_cannot_be_read_is_an_error_of_the_standard(caller: Caller) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}
    async with caller.client.post("/open311/v2/requests.json", data=b"api_key=a", headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())[0]["code"] == 400
    for asked in ("service_request_id=%00", "service_code=C0101%00"):
        status, told = await get(caller, f"requests.json?{asked}")
        assert status == 400 and told[0]["code"] == 400


async def test_requests_of_several_services_come_together_the_newest_first(caller: Caller, key: str) -> None:
    sent = []
    for code in ("C0101", "C0102", "C0101"):
        _, told = await post(caller, FORM | {"api_key": key, "service_code": code})
        sent.append(told[0]["service_request_id"])
    _, told = await get(caller, "requests.json?service_code=C0101,C0102")
    assert [one["service_request_id"] for one in told] == sent[::-1]
