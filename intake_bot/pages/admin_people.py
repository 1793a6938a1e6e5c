"""`/admin/users`, `/admin/tokens`, `/admin/rosters`: who may come in, which programs may, who is away. The API changes it."""

from __future__ import annotations

from aiohttp import web

from domain.lifecycle import ROLE_NAMES
from domain.people import Role
from intake_bot.api.absences import absence_list
from intake_bot.api.accounts import LONGEST_TOKEN_DAYS, token_list
from intake_bot.api.filters import read_choice, read_word
from intake_bot.api.routes import Route, house_of
from intake_bot.api.users import UserView, every_user, people_of
from intake_bot.house import House
from intake_bot.pages.rendering import page

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
SHOWN = 200
"""Users on the page; a larger bureau looks for the one it means."""
SIGNING_IN = (Role.OPERATOR, Role.BRIGADE, Role.SUPERVISOR, Role.ADMINISTRATOR)


def people_routes() -> list[Route]:
    return [
        Route("GET", "/admin/users", show_users, "系统管理：账号", "pages", ADMINISTRATORS, page=True),
        Route("GET", "/admin/tokens", show_tokens, "系统管理：程序令牌", "pages", ADMINISTRATORS, page=True),
        Route("GET", "/admin/rosters", show_rosters, "系统管理：值班离岗", "pages", ADMINISTRATORS, page=True),
    ]


async def show_users(request: web.Request) -> web.Response:
    house = house_of(request)
    words, role = (read_word(request, "q") or "").strip(), read_choice(request, "role", Role)
    users = await every_user(house)
    accounts = {one.account for one in users}
    found = [one for one in users if _fits(one, words.lower(), role)]
    return page(
        request,
        "admin/users.html",
        users=found[:SHOWN],
        found=len(found),
        total=len(users),
        shown=SHOWN,
        words=words,
        role=role or "",
        roles=[(one.value, ROLE_NAMES[one]) for one in SIGNING_IN],
        units=units_of(house),
        without_account=[
            (account, name) for account, (name, _) in sorted(people_of(house).items()) if account not in accounts
        ],
    )


def _fits(user: UserView, words: str, role: Role | None) -> bool:
    return (role is None or user.role is role) and (words in user.account.lower() or words in user.name.lower())


def units_of(house: House) -> list[tuple[str, str]]:
    """The units as choices, none first."""
    return [("", "（无）"), *((one.code, one.name) for one in house.settings.router.units)]


async def show_tokens(request: web.Request) -> web.Response:
    house = house_of(request)
    return page(
        request,
        "admin/tokens.html",
        tokens=(await token_list(house)).tokens,
        roles=[(one.value, ROLE_NAMES[one]) for one in SIGNING_IN],
        units=units_of(house),
        longest_days=LONGEST_TOKEN_DAYS,
        admin_token=bool(house.admin_token),
    )


async def show_rosters(request: web.Request) -> web.Response:
    house = house_of(request)
    people = sorted((name, account) for account, (name, _) in people_of(house).items())
    return page(
        request,
        "admin/rosters.html",
        absences=(await absence_list(house)).absences,
        people=[("", "请选择"), *((account, f"{name}（{account}）") for name, account in people)],
    )
