"""Signing in and out over the API: an account and password become a bearer token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from domain.people import Role
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import FieldError, Problem, bad_fields
from intake_bot.api.routes import EVERYONE, Route, actor_of, house_of, json_answer
from intake_bot.api.views import moment
from storage.accounts import LockedOut

SHORTEST_PASSWORD = 10
SESSION = timedelta(hours=12)
LONGEST_TOKEN_DAYS = 730


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
            frozenset({Role.ADMINISTRATOR}),
            body=schema_of(NewToken),
            answers={201: ("令牌", {"$ref": "#/components/schemas/Token"})},
        ),
    ]


async def login(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, Login)
    now = house.now()
    try:
        user = await house.store.accounts.authenticate(wanted.account, wanted.password, now)
    except LockedOut as error:
        raise Problem(
            429,
            "locked-out",
            "账号已临时锁定",
            "口令连续输错次数过多，请 15 分钟后再试，或联系管理员重设口令",
            headers={"Retry-After": str(error.seconds)},
        ) from None
    if user is None:
        raise Problem(401, "bad-password", "登录失败", "账号或口令不正确")
    if wanted.new_password:
        check_password(wanted.new_password, wanted.account)
        await house.store.accounts.set_password(user.account, wanted.new_password, now, must_change=False)
    elif user.must_change_password:
        raise Problem(
            403,
            "new-password-needed",
            "请设定新口令",
            f"这是一次性口令，请在 new_password 中填写新口令（至少 {SHORTEST_PASSWORD} 位）后重新登录",
        )
    expires = now + SESSION
    token = await house.store.accounts.create_token(user.account, user.role, user.unit, "登录", now, expires)
    return json_answer(
        {"token": token, "expires_at": moment(expires), "role": user.role, "brigade": user.unit, "name": user.name}
    )


def check_password(password: str, account: str) -> None:
    """Raises `Problem` 422 for a password that is too weak."""
    kinds = sum(any(test(char) for char in password) for test in (str.islower, str.isupper, str.isdigit, _is_sign))
    if len(password) < SHORTEST_PASSWORD or kinds < 2 or password == account:
        raise bad_fields(
            [FieldError("new_password", f"新口令至少 {SHORTEST_PASSWORD} 位，并含大写、小写、数字、符号中的两类")]
        )


def _is_sign(char: str) -> bool:
    return not char.isalnum()


async def me(request: web.Request) -> web.Response:
    actor = actor_of(request)
    return json_answer({"account": actor.name, "role": actor.role, "brigade": actor.unit})


async def new_token(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, NewToken)
    problems = []
    if not wanted.name.strip():
        problems.append(FieldError("name", "请填写用途名称（name），例如“值班大屏”"))
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
        f"token:{wanted.name.strip()}", wanted.role, unit, wanted.name.strip(), now, expires
    )
    return json_answer(
        {"token": token, "expires_at": moment(expires), "role": wanted.role, "brigade": unit, "name": wanted.name}, 201
    )
