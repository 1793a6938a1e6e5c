"""Who may do what: every route as every role, held against one table. A route that is not in the table fails the test."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from service import Caller, sample

from domain.people import Role
from intake_bot.api.routes import Route
from intake_bot.api.server import all_routes
from intake_bot.sessions import COOKIE, CSRF_HEADER, csrf_token
from storage.accounts import SESSION

TABLE = Path(__file__).parent / "access.tsv"
"""method, path, who: letters of the roles below, `-` for everybody, `signed` for a channel's signature."""
LETTERS = {"O": Role.OPERATOR, "B": Role.BRIGADE, "S": Role.SUPERVISOR, "A": Role.ADMINISTRATOR}
UNITS = {Role.BRIGADE: "brigade-1"}
NOBODY = "nobody"


def table() -> dict[tuple[str, str], str]:
    rows = (line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.strip())
    return {(method, path): who for method, path, who in rows}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def sessions(caller: Caller) -> dict[Role, str]:
    """A session for each role."""
    accounts, now = caller.house.store.accounts, caller.house.now()
    found = {}
    for role in LETTERS.values():
        unit = UNITS.get(role)
        await accounts.create_user(f"{role}.x", str(role), role, unit, "Obviously-1nvented", now, must_change=False)
        found[role] = await accounts.create_token(f"{role}.x", role, unit, SESSION, now, now + timedelta(hours=1))
    return found


REFUSALS = (
    "此功能只供",
    "/problems/not-signed-in",
    "/problems/bad-token",
    "/problems/bad-signature",
    "/problems/channel",
)
"""What somebody is told who may not even ask; other refusals are about what was asked."""


async def let_in(caller: Caller, route: Route, path: str, headers: dict[str, str]) -> tuple[bool, int]:
    """Whether a caller got as far as the handler, and the status. Bodies are empty: refused for that, they were let in."""
    data = None if route.method == "GET" else b""
    async with caller.client.request(
        route.method, path, data=data, headers={**headers, "Content-Type": "application/json"}, allow_redirects=False
    ) as response:
        to_the_sign_in = response.headers.get("Location", "").startswith("/login")
        text = "" if response.content_type == "text/event-stream" else await response.text(errors="replace")
        return not (to_the_sign_in or any(one in text for one in REFUSALS)), response.status


async def test_every_route_as_every_role(caller: Caller) -> None:
    expected = table()
    no = (await caller.send("12345", sample("12345"))).body["ticket_no"]
    tokens = await sessions(caller)
    routes = list(all_routes(caller.house.channels.values()))
    assert {(one.method, one.path) for one in routes} == set(expected), "access.tsv names every route, and no other"
    wrong = []
    for route in routes:
        who = expected[route.method, route.path]
        path = route.path.replace("{no}", no).replace("{id}", "1").replace("{period}", "month")
        path = path.replace("{code}", "intake").replace("{name:.+}", "icon.svg").replace("{account}", "nobody.x")
        path = path.replace("{source_no}", sample("12345")["orderNum"]).replace("{name:sw\\.js}", "sw.js")
        for role in (NOBODY, *LETTERS.values()):
            token = tokens.get(role, "") if isinstance(role, Role) else ""
            if route.path == "/logout" and token:
                continue  # it would end the session that the next routes are asked with
            headers = {"Cookie": f"{COOKIE}={token}", CSRF_HEADER: csrf_token(token)} if token else {}
            inside, status = await let_in(caller, route, path, headers)
            allowed = who == "-" or (isinstance(role, Role) and any(LETTERS.get(one) is role for one in who))
            if who == "signed":
                inside, allowed = status < 400, False
            if inside is not allowed or status >= 500:
                wrong.append(f"{route.method} {route.path} as {role}: {status}")
    assert not wrong, "\n".join(wrong)
