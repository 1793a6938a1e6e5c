"""`/api/openapi.json` is whole and true: valid, every route is in it, and real answers fit what it promises."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from service import Caller, sample

from intake_bot.api.server import all_routes

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])


async def described(caller: Caller) -> Any:
    answer = await caller.get("/api/openapi.json", token="")
    assert answer.status == 200
    return answer.body


async def test_the_description_is_valid(caller: Caller) -> None:
    validate(await described(caller))


async def test_every_route_is_described_and_nothing_else(caller: Caller) -> None:
    document = await described(caller)
    written = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert written == {
        (one.method, one.path) for one in all_routes(caller.house.channels.values()) if one.tag != "pages"
    }


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/tickets", "get"),
        ("/api/v1/tickets/{no}", "get"),
        ("/api/v1/tickets/{no}/events", "get"),
        ("/api/v1/tickets/{no}/accept", "post"),
        ("/api/v1/me", "get"),
        ("/api/v1/lights", "get"),
        ("/api/v1/metrics", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
    ],
)
async def test_a_real_answer_is_what_is_described(caller: Caller, path: str, method: str) -> None:
    document = await described(caller)
    told = (await caller.send("12345", sample("12345"))).body
    address = path.replace("{no}", told["ticket_no"])
    answer = await caller.get(address) if method == "get" else await caller.post(address, {})
    assert answer.status == 200, answer.body
    content = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    fits(document, content["schema"], answer.body)


async def test_channel_answers_are_what_is_described(caller: Caller) -> None:
    document = await described(caller)
    responses = document["paths"]["/channels/12345/tickets"]["post"]["responses"]
    for body, status in ((sample("12345"), "201"), (sample("12345"), "200"), ([sample("12345"), {}], "207")):
        answer = await caller.send("12345", body)
        assert str(answer.status) == status
        fits(document, responses[status]["content"]["application/json"]["schema"], answer.body)
    refused = await caller.send("12345", {})
    fits(document, responses["422"]["content"]["application/problem+json"]["schema"], refused.body)


async def test_samples_fit_the_schema_of_their_channel(caller: Caller) -> None:
    document = await described(caller)
    for channel in ("12345", "12319", "12369", "e-steward"):
        fits(document, document["components"]["schemas"][channel], sample(channel))


def fits(document: Any, schema: Any, value: Any) -> None:
    """Raises with the place where a value is not what a schema says; a described object has no field left undescribed."""
    resolver = {"$ref": "#/schema", "schema": schema, "components": document["components"]}
    jsonschema.Draft202012Validator(resolver).validate(value)
