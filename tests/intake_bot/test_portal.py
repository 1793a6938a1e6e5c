"""Signing in with the bureau's portal, against a provider over HTTP: whom it lets in, and everything that must not let in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from joserfc.jwk import ECKey, OctKey
from oidc_provider import CLIENT, SECRET, Provider, rsa_key, running_provider
from pydantic import ValidationError

from domain.category import CategoryTree
from domain.people import SYSTEM, Role
from domain.understanding import Engine
from intake_bot.api.server import build_app
from intake_bot.house import House, open_house
from intake_bot.pages.portal import BACK, COOKIE
from intake_bot.pages_settings import PortalSettings
from intake_bot.sessions import COOKIE as SESSION_COOKIE
from intake_bot.settings import Deployment
from storage.account_events import AccountEventFilter

VARIABLE = "INTAKE_PORTAL_SECRET"
PASSWORD = "Obviously-1nvented"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_provider() as running:
        yield running


def with_portal(deployment: Deployment, provider: Provider, public_url: str = "", **more: Any) -> Deployment:
    """The shipped configuration with a portal."""
    portal = PortalSettings(issuer=provider.issuer, client_id=CLIENT, secret_env=VARIABLE, **more)
    settings = deployment.settings
    return replace(
        deployment,
        settings=settings.model_copy(
            update={
                "sign_in": settings.sign_in.model_copy(update={"portal": portal}),
                "server": settings.server.model_copy(update={"public_url": public_url}),
            }
        ),
    )


class Bureau:
    """A service with a portal, and browsers that go there and back."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def has(self, account: str, role: Role = Role.OPERATOR, *, must_change: bool = False) -> None:
        now = self.house.now()
        await self.house.store.accounts.create_user(account, "原名", role, None, PASSWORD, now, must_change=must_change)


@pytest.fixture
async def bureau(
    deployment: Deployment,
    provider: Provider,
    tree: CategoryTree,
    engine: Engine,
    environment: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Bureau]:
    """`@pytest.mark.parametrize("bureau", [{…}], indirect=True)` gives further settings of the portal."""
    environment.setenv(VARIABLE, SECRET)
    more = getattr(request, "param", {})
    async with open_house(with_portal(deployment, provider, **more), tree, engine) as house:
        yield Bureau(house)


@pytest.fixture
async def browser(bureau: Bureau) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(build_app(bureau.house, timers=False))) as client:
        yield client


async def away(browser: TestClient[Any, Any], wanted: str = "") -> str:
    """Click on the button; the portal's address that the browser is led to."""
    answer = await browser.get("/login/portal", params={"next": wanted}, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def at_portal(address: str) -> str:
    """Sign in at the portal; where on our site the browser is sent back to."""
    async with ClientSession() as session, session.get(address, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        parts = urlsplit(answer.headers["Location"])
        assert parts.path == BACK
        return f"{parts.path}?{parts.query}"


async def sign_in(browser: TestClient[Any, Any], wanted: str = "") -> ClientResponse:
    return await browser.get(await at_portal(await away(browser, wanted)), allow_redirects=False)


def is_signed_in(browser: TestClient[Any, Any]) -> bool:
    return any(one.key == SESSION_COOKIE and one.value for one in browser.session.cookie_jar)


async def refused(browser: TestClient[Any, Any], answer: ClientResponse, status: int, said: str) -> None:
    """The sign-in page says why, and nobody is signed in."""
    text = await answer.text()
    assert answer.status == status, text
    assert said in text and 'role="alert"' in text and 'name="password"' in text
    assert not is_signed_in(browser)


async def test_whoever_has_an_account_comes_in(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x", must_change=True)
    assert 'href="/login/portal?next=/account"' in await (await browser.get("/login?next=/account")).text()
    answer = await sign_in(browser, "/account")
    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    account = await browser.get("/account")
    assert account.status == 200 and "原名" in await account.text()
    found, _ = await bureau.house.store.account_events.find(AccountEventFilter(account="operator.x"), limit=9)
    assert [one.deed for one in found] == ["signed_in", "user_added"]
    again = await browser.get("/login/portal", allow_redirects=False)
    assert again.headers["Location"] == "/desk", "who is signed in is not sent to the portal"


async def test_a_link_cannot_lead_away_after_the_portal(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x")
    answer = await sign_in(browser, "//evil.example/")
    assert answer.headers["Location"] == "/desk"


WRONG: dict[str, dict[str, Any]] = {
    "wrong nonce": {"nonce": "of-another-attempt"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "another-application"},
    "no audience": {"aud": None},
    "issued for another": {"aud": [CLIENT, "other"], "azp": "other"},
    "wrong issuer": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 90},
    "never expires": {"exp": None},
    "from the future": {"iat": int(time.time()) + 600},
    "about nobody": {"sub": None},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_a_token_that_is_not_for_this_sign_in_is_refused(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider, changes: dict[str, Any]
) -> None:
    await bureau.has("operator.x")
    provider.changes = changes
    await refused(browser, await sign_in(browser), 403, "没有通过校验")


async def test_a_token_that_the_portal_did_not_sign_is_refused(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    await bureau.has("operator.x")
    provider.key = rsa_key("first")  # another key under the published one's name
    await refused(browser, await sign_in(browser), 403, "没有通过校验")
    provider.key, provider.algorithm = OctKey.import_key(SECRET, {"kid": "first"}), "HS256"
    await refused(browser, await sign_in(browser), 403, "没有通过校验")
    provider.unsigned = True
    await refused(browser, await sign_in(browser), 403, "没有通过校验")


async def test_clocks_may_differ_a_little(bureau: Bureau, browser: TestClient[Any, Any], provider: Provider) -> None:
    await bureau.has("operator.x")
    provider.changes = {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}
    assert (await sign_in(browser)).status == 303


async def test_the_portal_may_change_its_keys_and_sign_with_curves(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    await bureau.has("operator.x")
    assert (await sign_in(browser)).status == 303
    browser.session.cookie_jar.clear()
    curve = ECKey.generate_key("P-256", {"kid": "second", "use": "sig", "alg": "ES256"})
    provider.key, provider.algorithm, provider.published = curve, "ES256", [curve]
    fetched = provider.fetched
    assert fetched == 1, "what the portal says of itself is kept"
    assert (await sign_in(browser)).status == 303
    assert provider.fetched == 2


async def test_the_secret_goes_where_the_portal_takes_it(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    await bureau.has("operator.x")
    provider.methods = ["client_secret_post"]
    assert (await sign_in(browser)).status == 303


async def test_an_attempt_serves_once(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x")
    back = await at_portal(await away(browser))
    cookie = next(one.value for one in browser.session.cookie_jar if one.key == COOKIE)
    assert (await browser.get(back, allow_redirects=False)).status == 303
    browser.session.cookie_jar.clear()
    answer = await browser.get(back, allow_redirects=False, headers={"Cookie": f"{COOKIE}={cookie}"})
    await refused(browser, answer, 400, "已经用过")


async def test_only_the_browser_that_began_can_finish(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x")
    back = await at_portal(await away(browser))
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        answer = await other.get(browser.make_url(back), allow_redirects=False)
        assert answer.status == 400 and SESSION_COOKIE not in answer.cookies
    changed = await browser.get(back.replace("state=", "state=x"), allow_redirects=False)
    await refused(browser, changed, 400, "请重新登录")


async def test_an_attempt_does_not_wait_for_ever(
    bureau: Bureau, browser: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await bureau.has("operator.x")
    monkeypatch.setattr("intake_bot.portal.ATTEMPT_LASTS", timedelta(seconds=-1))
    back = await at_portal(await away(browser))
    await refused(browser, await browser.get(back, allow_redirects=False), 400, "登录已超时")


async def test_who_is_unknown_or_disabled_stays_outside(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    await refused(browser, await sign_in(browser), 403, "本系统没有账号 operator.x")
    await bureau.has("operator.x")
    await bureau.has("admin.x", Role.ADMINISTRATOR)
    await bureau.house.store.users.disable("operator.x", bureau.house.now(), SYSTEM)
    await refused(browser, await sign_in(browser), 403, "账号 operator.x 已停用")
    for name in ("system", "administrator", "../etc", "<script>", "", 7, None):
        provider.person = {"preferred_username": name}
        await refused(browser, await sign_in(browser), 403, "没有给出可用的账号")


async def test_what_the_portal_refuses_is_said_without_its_words(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    for error, said in (("access_denied", "（access_denied）"), ("<script>alert(1)</script>", "没有完成登录，")):
        state = dict(one.split("=") for one in urlsplit(await away(browser)).query.split("&"))["state"]
        answer = await browser.get(BACK, params={"error": error, "state": state}, allow_redirects=False)
        assert "<script>alert" not in await answer.text()
        await refused(browser, answer, 403, said)


async def test_an_answer_of_another_portal_is_refused(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x")
    back = await at_portal(await away(browser))
    mixed = back.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example"
    await refused(browser, await browser.get(mixed, allow_redirects=False), 403, "不是本局的统一门户")


async def test_a_portal_that_is_down_or_not_itself(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    provider.broken = True
    answer = await browser.get("/login/portal", allow_redirects=False)
    await refused(browser, answer, 502, "统一门户暂时无法访问")
    provider.broken, provider.said_issuer = False, "https://evil.example"
    answer = await browser.get("/login/portal", allow_redirects=False)
    await refused(browser, answer, 502, "与本系统的配置不一致")


@pytest.mark.parametrize("bureau", [{"public_url": "https://intake.example.gov.cn"}], indirect=True)
async def test_people_are_sent_back_to_the_public_address(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    answer = await browser.get("/login/portal", allow_redirects=False)
    async with ClientSession() as session, session.get(answer.headers["Location"], allow_redirects=False) as there:
        assert there.headers["Location"].startswith(f"https://intake.example.gov.cn{BACK}?code=")
    written = answer.headers["Set-Cookie"]
    assert all(part in written for part in ("Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600", f"Path={BACK}"))


async def test_any_process_can_finish_what_another_began(bureau: Bureau, browser: TestClient[Any, Any]) -> None:
    await bureau.has("operator.x")
    back = await at_portal(await away(browser))
    cookie = next(one.value for one in browser.session.cookie_jar if one.key == COOKIE)
    redirected_from = browser.make_url("/")
    async with TestClient(TestServer(build_app(bureau.house, timers=False))) as other:
        headers = {"Cookie": f"{COOKIE}={cookie}", "Host": redirected_from.authority}
        answer = await other.get(back, allow_redirects=False, headers=headers)
        assert answer.status == 303 and SESSION_COOKIE in answer.cookies


CLAIMS = {
    "role_claim": "groups",
    "roles": {"leaders": "supervisor", "squad": "brigade", "desk": "operator"},
    "unit_claim": "department",
}


@pytest.mark.parametrize("bureau", [CLAIMS], indirect=True)
async def test_the_portal_gives_roles_where_it_is_trusted_with_them(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    users = bureau.house.store.users
    provider.person = {
        "preferred_username": "squad.x",
        "name": "队员  <甲>",
        "groups": ["all", "squad"],
        "department": "brigade-1",
    }
    answer = await sign_in(browser)
    assert answer.headers["Location"] == "/brigade"
    made = await users.get("squad.x")
    assert (made.role, made.unit, made.name) == (Role.BRIGADE, "brigade-1", "队员 <甲>")
    browser.session.cookie_jar.clear()
    provider.person |= {"groups": ["desk", "leaders"]}
    assert (await sign_in(browser)).headers["Location"] == "/desk"
    promoted = await users.get("squad.x")
    assert (promoted.role, promoted.unit) == (Role.SUPERVISOR, None), "the first of `roles` that fits"
    browser.session.cookie_jar.clear()
    for groups, department, said in (
        (["all"], "brigade-1", "没有给账号 squad.x 使用本系统的权限"),
        (None, "brigade-1", "没有给账号 squad.x 使用本系统的权限"),
        (["squad"], "no-such-unit", "不是本局的承办单位"),
    ):
        provider.person |= {"groups": groups, "department": department}
        await refused(browser, await sign_in(browser), 403, said)


@pytest.mark.parametrize("bureau", [CLAIMS], indirect=True)
async def test_the_portal_cannot_take_away_the_last_administrator(
    bureau: Bureau, browser: TestClient[Any, Any], provider: Provider
) -> None:
    await bureau.has("admin.x", Role.ADMINISTRATOR)
    provider.person = {"preferred_username": "admin.x", "groups": "desk"}
    await refused(browser, await sign_in(browser), 403, "唯一的管理员")
    assert (await bureau.house.store.users.get("admin.x")).role is Role.ADMINISTRATOR


async def test_a_portal_without_its_secret_is_not_offered(
    deployment: Deployment, provider: Provider, tree: CategoryTree, engine: Engine
) -> None:
    async with (
        open_house(with_portal(deployment, provider), tree, engine) as house,
        TestClient(TestServer(build_app(house, timers=False))) as client,
    ):
        assert "/login/portal" not in await (await client.get("/login")).text()
        answer = await client.get("/login/portal", allow_redirects=False)
        assert answer.status == 503 and VARIABLE in await answer.text()


async def test_without_a_portal_there_is_none(caller: Any) -> None:
    assert "/login/portal" not in await (await caller.client.get("/login")).text()
    for path in ("/login/portal", BACK):
        answer = await caller.client.get(path, allow_redirects=False)
        assert answer.status == 404 and "没有启用统一门户登录" in await answer.text()


GOOD = {"issuer": "https://portal.example.gov.cn/oidc", "client_id": "x", "secret_env": "X_SECRET"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "http://portal.example.gov.cn"}, "issuer"),
        ({"issuer": "https://portal.example.gov.cn?x"}, "issuer"),
        ({"secret_env": "the secret itself"}, "secret_env"),
        ({"scopes": ["profile"]}, "应含 openid"),
        ({"role_claim": "groups"}, "同时填写"),
        ({"roles": {"a": "operator"}}, "同时填写"),
        ({"role_claim": "groups", "roles": {"a": "brigade"}}, "unit_claim"),
        ({"role_claim": "groups", "roles": {"a": "system"}}, "roles"),
    ],
)
def test_a_portal_is_checked_before_it_is_used(changes: dict[str, Any], said: str) -> None:
    assert PortalSettings(**GOOD).scopes == ("openid", "profile")
    with pytest.raises(ValidationError, match=said):
        PortalSettings(**{**GOOD, **changes})
