"""`/api/v1/users`: the people who sign in, as an administrator keeps them. Every act goes on record, never a password."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from domain.people import Actor, Role
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import FieldError, Problem, bad_fields, not_found
from intake_bot.api.routes import ADMINISTRATORS, EVERYONE, Handler, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.views import moment, written
from intake_bot.house import House
from intake_bot.passwords import one_time_password
from storage.accounts import AccountExists
from storage.users import LastAdministrator, UnknownUser, UserRecord

LONGEST_NAME = 64
RESERVED = frozenset({"system", "administrator", "portal"})
"""Names under which the record knows the timers, INTAKE_ADMIN_TOKEN and the portal: nobody else may look like them."""
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9.-]{1,62}")
ACCOUNT_RULE = (
    f"账号应为 2 至 63 位小写字母、数字、点或短横线，以字母或数字开头，且不能是 {'、'.join(sorted(RESERVED))}"
)
_PATH = (Parameter("account", "账号", place="path"),)


@dataclass(frozen=True, slots=True)
class NewUser:
    """新账号。不填姓名时取 config.yml 中该账号的姓名；大队账号须填单位，config.yml 中已有的人员可不填。"""

    account: str
    role: Role
    name: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class UserChange:
    """账号改后的姓名、角色和单位；角色或单位改变后须重新登录。"""

    name: str
    role: Role
    unit: str = ""


@dataclass(frozen=True, slots=True)
class UserView:
    """一个账号。"""

    account: str
    name: str
    role: Role
    brigade: str | None
    disabled: bool
    must_change_password: bool
    locked_until: str | None
    created_at: str
    signed_in_at: str | None


@dataclass(frozen=True, slots=True)
class UserList:
    """全部账号。"""

    users: tuple[UserView, ...]


@dataclass(frozen=True, slots=True)
class OneTimePassword:
    """一次性口令，只在此处显示一次；首次登录时须设定新口令。"""

    account: str
    password: str


def user_routes() -> list[Route]:
    one = {200: ("账号", schema_of(UserView))}
    return [
        Route(
            "GET",
            "/api/v1/users",
            list_users,
            "全部账号",
            "accounts",
            ADMINISTRATORS,
            answers={200: ("账号清单", schema_of(UserList))},
        ),
        Route(
            "POST",
            "/api/v1/users",
            add_user,
            "新建账号，取得一次性口令（只显示一次）",
            "accounts",
            ADMINISTRATORS,
            body=schema_of(NewUser),
            answers={201: ("一次性口令", schema_of(OneTimePassword))},
        ),
        Route(
            "PUT",
            "/api/v1/users/{account}",
            change_user,
            "修改账号的姓名、角色和单位",
            "accounts",
            ADMINISTRATORS,
            parameters=_PATH,
            body=schema_of(UserChange),
            answers=one,
        ),
        _act("disable", "停用账号，其登录立即失效", lambda house: house.store.users.disable),
        _act("enable", "重新启用账号", lambda house: house.store.users.enable),
        _act("unlock", "解除口令输错过多造成的锁定", lambda house: house.store.users.unlock),
        Route(
            "POST",
            "/api/v1/users/{account}/reset-password",
            reset_password,
            "重设口令，取得一次性口令（只显示一次），原有登录全部失效",
            "accounts",
            ADMINISTRATORS,
            parameters=_PATH,
            answers={200: ("一次性口令", schema_of(OneTimePassword))},
        ),
    ]


_Change = Callable[[str, datetime, Actor], Awaitable[UserRecord]]


def _act(word: str, summary: str, change_of: Callable[[House], _Change]) -> Route:
    async def act(request: web.Request) -> web.Response:
        house = house_of(request)
        try:
            user = await change_of(house)(request.match_info["account"], house.now(), actor_of(request))
        except UnknownUser:
            raise _no_such_user() from None
        except LastAdministrator:
            raise _last_administrator() from None
        return json_answer(view(user, house.now()))

    handler: Handler = act
    return Route(
        "POST",
        f"/api/v1/users/{{account}}/{word}",
        handler,
        summary,
        "accounts",
        ADMINISTRATORS,
        parameters=_PATH,
        answers={200: ("账号", schema_of(UserView))},
    )


async def list_users(request: web.Request) -> web.Response:
    return json_answer(UserList(await every_user(house_of(request))))


async def every_user(house: House) -> tuple[UserView, ...]:
    """All users as they stand now, also for the administrator's pages."""
    now = house.now()
    return tuple(view(one, now) for one in await house.store.users.all())


async def add_user(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, NewUser)
    account = wanted.account.strip()
    known_name, known_unit = people_of(house).get(account, ("", ""))
    name = wanted.name.strip() or known_name or account
    unit = wanted.unit or (known_unit if wanted.role is Role.BRIGADE else "")
    problems = [*_wrong(house, name, wanted.role, unit)]
    if not is_account(account):
        problems.append(FieldError("account", ACCOUNT_RULE))
    if problems:
        raise bad_fields(problems)
    password = one_time_password()
    try:
        await house.store.accounts.create_user(
            account, name, wanted.role, unit or None, password, house.now(), must_change=True, by=actor_of(request)
        )
    except AccountExists:
        raise bad_fields([FieldError("account", f"账号 {account} 已经存在")]) from None
    return json_answer(OneTimePassword(account, password), 201)


async def change_user(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, UserChange)
    name = wanted.name.strip()
    if problems := _wrong(house, name, wanted.role, wanted.unit):
        raise bad_fields(problems)
    try:
        user = await house.store.users.change(
            request.match_info["account"],
            house.now(),
            actor_of(request),
            name=name,
            role=wanted.role,
            unit=wanted.unit or None,
        )
    except UnknownUser:
        raise _no_such_user() from None
    except LastAdministrator:
        raise _last_administrator() from None
    return json_answer(view(user, house.now()))


async def reset_password(request: web.Request) -> web.Response:
    house = house_of(request)
    account, password = request.match_info["account"], one_time_password()
    try:
        await house.store.users.get(account)
    except UnknownUser:
        raise _no_such_user() from None
    await house.store.accounts.set_password(account, password, house.now(), must_change=True, by=actor_of(request))
    return json_answer(OneTimePassword(account, password))


def view(user: UserRecord, now: datetime) -> UserView:
    """A user as the API and the administrator's page show them; a lock-out that is over is none."""
    locked = user.locked_until if user.locked_until is not None and user.locked_until > now else None
    return UserView(
        account=user.account,
        name=user.name,
        role=user.role,
        brigade=user.unit,
        disabled=user.disabled,
        must_change_password=user.must_change_password,
        locked_until=moment(locked),
        created_at=written(user.created_at),
        signed_in_at=moment(user.signed_in_at),
    )


def is_account(written: str) -> bool:
    """Whether somebody may have this account: written as those of `config.yml` are, and none of the reserved ones."""
    return bool(_ACCOUNT.fullmatch(written)) and written not in RESERVED


def people_of(house: House) -> dict[str, tuple[str, str]]:
    """The people of `config.yml`: account → (name, unit code)."""
    return {one.account: (one.name, unit.code) for unit in house.settings.router.units for one in unit.people}


def _wrong(house: House, name: str, role: Role, unit: str) -> list[FieldError]:
    problems = []
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problems.append(FieldError("name", f"姓名应为不含控制字符的文字，1 至 {LONGEST_NAME} 个字"))
    if role not in EVERYONE:
        problems.append(FieldError("role", f"role 应为 {'、'.join(sorted(EVERYONE))} 之一"))
    if role is Role.BRIGADE and not unit:
        problems.append(FieldError("unit", "大队账号必须选择所在单位"))
    elif unit and not house.planner.is_unit(unit):
        known = "、".join(one.code for one in house.settings.router.units)
        problems.append(FieldError("unit", f"没有单位“{unit[:40]}”，可用：{known}"))
    return problems


def _no_such_user() -> Problem:
    return not_found("没有这个账号")


def _last_administrator() -> Problem:
    return Problem(
        409,
        "last-administrator",
        "至少要有一名管理员",
        "这是唯一可用的管理员账号，不能停用或改为其他角色；请先新建或启用另一名管理员",
    )
