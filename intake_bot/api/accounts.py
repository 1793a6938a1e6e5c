"""Signing in over the API, and tokens for programs: made, listed, withdrawn. Not: the users themselves (`users`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from domain.administration import TOKEN_PREFIX
from domain.people import Role
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.limits import client_of
from intake_bot.api.problems import FieldError, Problem, bad_fields, not_found
from intake_bot.api.routes import ADMINISTRATORS, EVERYONE, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.views import moment, written
from intake_bot.house import House
from intake_bot.passwords import RULE, is_good
from intake_bot.rates import Rate
from storage.sign_in_misses import LockedOut, Origin
from storage.users import UnknownToken

SESSION = timedelta(hours=12)
SIGNED_IN = "接口登录"
"""The purpose of a token that somebody signed in for over the API."""
LONGEST_TOKEN_DAYS = 730
LONGEST_PURPOSE = 60


@dataclass(frozen=True, slots=True)
class Login:
    """账号与口令;首次登录必须同时设定新口令。"""

    account: str
    password: str
    new_password: str = ""


@dataclass(frozen=True, slots=True)
class NewToken:
    """为程序签发的长期令牌。"""

    name: str
    role: Role
    unit: str = ""
    days: int = 365


@dataclass(frozen=True, slots=True)
class TokenView:
    """为程序签发的一个令牌，不含令牌本身。"""

    id: str
    name: str
    role: Role
    brigade: str | None
    created_at: str
    expires_at: str
    revoked_at: str | None
    valid: bool


@dataclass(frozen=True, slots=True)
class TokenList:
    """为程序签发的全部令牌，新的在前。"""

    tokens: tuple[TokenView, ...]


def account_routes() -> list[Route]:
    return [
        Route(
            "POST",
            "/api/v1/login",
            login,
            "登录，取得令牌",
            "accounts",
            body=schema_of(Login),
            answers={200: ("令牌", {"$ref": "#/components/schemas/Token"})},
            rate=Rate.SIGN_IN,
        ),
        Route(
            "GET",
            "/api/v1/me",
            me,
            "当前身份",
            "accounts",
            EVERYONE,
            answers={200: ("身份", {"$ref": "#/components/schemas/Identity"})},
        ),
        Route(
            "POST",
            "/api/v1/tokens",
            new_token,
            "为程序签发令牌（只显示一次）",
            "accounts",
            ADMINISTRATORS,
            body=schema_of(NewToken),
            answers={201: ("令牌", {"$ref": "#/components/schemas/Token"})},
        ),
        Route(
            "GET",
            "/api/v1/tokens",
            list_tokens,
            "为程序签发的令牌（不含令牌本身）",
            "accounts",
            ADMINISTRATORS,
            answers={200: ("令牌清单", schema_of(TokenList))},
        ),
        Route(
            "POST",
            "/api/v1/tokens/{id}/revoke",
            revoke_token,
            "停用一个程序令牌，立即生效",
            "accounts",
            ADMINISTRATORS,
            parameters=(Parameter("id", "令牌清单中的 id", place="path"),),
            answers={200: ("令牌清单", schema_of(TokenList))},
        ),
    ]


async def login(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, Login)
    now = house.now()
    try:
        user = await house.store.accounts.authenticate(wanted.account, wanted.password, now, Origin(client_of(request)))
    except LockedOut as error:
        raise Problem(
            429,
            "locked-out",
            "暂时不能登录",
            f"口令多次输错，请 {error.seconds} 秒后再试，或请管理员解除或重设口令",
            headers={"Retry-After": str(error.seconds)},
        ) from None
    if user is None:
        raise Problem(401, "bad-password", "登录失败", "账号或口令不正确")
    if wanted.new_password:
        if not is_good(wanted.new_password, wanted.account):
            raise bad_fields([FieldError("new_password", f"新口令{RULE}")])
        await house.store.accounts.set_password(user.account, wanted.new_password, now, must_change=False)
    elif user.must_change_password:
        raise Problem(
            403,
            "new-password-needed",
            "请设定新口令",
            f"这是一次性口令，请在 new_password 中填写新口令（{RULE}）后重新登录",
        )
    await house.store.accounts.know(user.account, Origin(client_of(request)), now)
    expires = now + SESSION
    token = await house.store.accounts.create_token(user.account, user.role, user.unit, SIGNED_IN, now, expires)
    return json_answer(
        {"token": token, "expires_at": moment(expires), "role": user.role, "brigade": user.unit, "name": user.name}
    )


async def me(request: web.Request) -> web.Response:
    actor = actor_of(request)
    return json_answer({"account": actor.name, "role": actor.role, "brigade": actor.unit})


async def new_token(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, NewToken)
    problems = []
    name = wanted.name.strip()
    if not name:
        problems.append(FieldError("name", "请填写用途名称（name），例如“值班大屏”"))
    elif len(name) > LONGEST_PURPOSE or not name.isprintable():
        problems.append(FieldError("name", f"用途名称（name）应为不含控制字符的文字，不超过 {LONGEST_PURPOSE} 个字"))
    if wanted.role not in EVERYONE:
        problems.append(FieldError("role", f"role 应为 {'、'.join(sorted(EVERYONE))} 之一"))
    if wanted.role is Role.BRIGADE and not house.planner.is_unit(wanted.unit):
        problems.append(FieldError("unit", "大队令牌必须填写承办单位代码（unit），例如 brigade-1"))
    if not 1 <= wanted.days <= LONGEST_TOKEN_DAYS:
        problems.append(FieldError("days", f"有效天数应为 1 至 {LONGEST_TOKEN_DAYS}"))
    if problems:
        raise bad_fields(problems)
    now = house.now()
    expires = now + timedelta(days=wanted.days)
    unit = wanted.unit or None
    token = await house.store.accounts.create_token(
        f"{TOKEN_PREFIX}{name}", wanted.role, unit, name, now, expires, by=actor_of(request)
    )
    return json_answer(
        {"token": token, "expires_at": moment(expires), "role": wanted.role, "brigade": unit, "name": name}, 201
    )


async def list_tokens(request: web.Request) -> web.Response:
    return json_answer(await token_list(house_of(request)))


async def revoke_token(request: web.Request) -> web.Response:
    house = house_of(request)
    try:
        await house.store.users.revoke_token(request.match_info["id"], house.now(), actor_of(request))
    except UnknownToken:
        raise not_found("没有这个令牌，或它此前已经停用") from None
    return json_answer(await token_list(house))


async def token_list(house: House) -> TokenList:
    """The programs' tokens as the API and the administrator's page show them."""
    now = house.now()
    return TokenList(
        tuple(
            TokenView(
                id=one.id,
                name=one.purpose,
                role=one.role,
                brigade=one.unit,
                created_at=written(one.created_at),
                expires_at=written(one.expires_at),
                revoked_at=moment(one.revoked_at),
                valid=one.revoked_at is None and one.expires_at > now,
            )
            for one in await house.store.users.tokens()
        )
    )
