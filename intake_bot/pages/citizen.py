"""`/`: the conversation with a citizen. What is said comes from `conversation`; here is how it is shown and sent."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from domain.complaint import Point
from intake_bot.api.bodies import read_form
from intake_bot.api.pictures import keep_picture, picture_answer
from intake_bot.api.problems import FieldError, Problem, bad_fields, not_found
from intake_bot.api.routes import Parameter, Route, house_of, json_answer
from intake_bot.conversation.asking import MENU
from intake_bot.conversation.dialogue import converse, digest, history, summary
from intake_bot.conversation.talk import WELCOME
from intake_bot.conversation.turns import Choice, Exchange, Message, Person, Reply, Turn
from intake_bot.house import House
from intake_bot.pages.rendering import fragment, page, see_other
from intake_bot.pictures import is_picture_id
from intake_bot.rates import Rate
from intake_bot.sessions import is_from_our_page, set_cookie
from storage.pictures import CITIZEN

COOKIE = "intake_visitor"
_PART = "X-Part"
"""The header with which the page's script asks for what is new only."""
_SHOWN = 60
"""Turns that the page shows; the conversation itself remembers more."""
_LONGEST_TEXT = 20_000
_MOST_PICTURES = 9
_PICTURE = Parameter("id", "照片编号：随机选取的 32 位十六进制数", place="path")


def citizen_routes() -> list[Route]:
    return [
        Route("GET", "/", show, "市民：反映问题、咨询、查进度", "pages", page=True),
        Route("POST", "/conversation", say, "市民说一句话", "pages", page=True, rate=Rate.CONVERSATION),
        Route("POST", "/conversation/leave", leave, "市民清除本机上的对话", "pages", page=True),
        Route(
            "PUT",
            "/conversation/pictures/{id}",
            put_picture,
            "市民上传照片",
            "pages",
            parameters=(_PICTURE,),
            rate=Rate.PICTURES,
        ),
        Route(
            "GET", "/conversation/pictures/{id}", get_picture, "市民看自己上传的照片", "pages", parameters=(_PICTURE,)
        ),
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """One bubble: `mine` is the citizen's. `key` stays the same, so that a page adds only what is new. `deleted`: pictures
    that were sent and are not kept any more."""

    key: str
    mine: bool
    text: str
    message: Message | None = None
    pictures: tuple[str, ...] = ()
    deleted: int = 0


async def show(request: web.Request) -> web.Response:
    """The page as it stands, whole without any script."""
    house = house_of(request)
    person = _person(request)
    response = page(request, "citizen/index.html", **await _standing(house, person))
    response.headers["Cache-Control"] = "no-store"
    return response


async def say(request: web.Request) -> web.Response:
    """Take a turn; the script gets what is new, a plain form is led back to the page."""
    house = house_of(request)
    _only_from_our_page(request)
    form = await read_form(request)
    person = _person(request) or Person("web", secrets.token_urlsafe(32))
    turn = await _turn(house, person, form)
    await converse(house, person, turn)
    if _PART in request.headers:
        response = fragment(request, "citizen/talk.html", **await _standing(house, person))
    else:
        response = see_other("/#latest")
    if request.cookies.get(COOKIE) != person.key:
        set_cookie(house, response, COOKIE, person.key, lasting=True)
    return response


async def leave(request: web.Request) -> web.Response:
    """On a shared computer: this browser forgets who it was. Tickets and what was said stay with the bureau."""
    _only_from_our_page(request)
    response = see_other("/")
    response.del_cookie(COOKIE, path="/")
    return response


async def put_picture(request: web.Request) -> web.Response:
    """Keep a picture that the citizen will send with their next turn."""
    house = house_of(request)
    _only_from_our_page(request)
    person = _person(request)
    fresh_person = person is None
    person = person or Person("web", secrets.token_urlsafe(32))
    picture, fresh = await keep_picture(house, request, _sender(person), house.now())
    response = json_answer({"id": picture.id, "url": f"/conversation/pictures/{picture.id}"}, 201 if fresh else 200)
    if fresh_person:
        set_cookie(house, response, COOKIE, person.key, lasting=True)
    return response


async def get_picture(request: web.Request) -> web.Response:
    """A picture, for whoever sent it."""
    person = _person(request)
    picture = await house_of(request).store.pictures.get(request.match_info["id"])
    if person is None or picture is None or picture.sent_by != _sender(person):
        raise not_found("没有这张照片")
    return picture_answer(picture)


def _person(request: web.Request) -> Person | None:
    key = request.cookies.get(COOKIE, "")
    return Person("web", key) if 40 <= len(key) <= 64 and key.isascii() else None


def _sender(person: Person) -> str:
    """Whose a picture is, without saying who that is."""
    return f"{CITIZEN}{digest(person)}"


def _only_from_our_page(request: web.Request) -> None:
    if not is_from_our_page(house_of(request), request):
        raise Problem(403, "csrf", "请求来源无法确认", "请从本页面提交")


async def _turn(house: House, person: Person, form: dict[str, str]) -> Turn:
    """The form as a turn. Raises `Problem` 422 for what no page of ours would send."""
    turn_id = form.get("turn", "")
    if not (1 <= len(turn_id) <= 64 and turn_id.isascii() and turn_id.isprintable()):
        raise bad_fields([FieldError("turn", "页面已过期，请刷新后重新输入")])
    return Turn(
        id=turn_id,
        at=house.now(),
        text=form.get("text", "").replace("\x00", "")[:_LONGEST_TEXT],
        choice=form.get("choice", "")[:64],
        point=_point(form),
        photos=await _own_pictures(house, person, form.get("photos", "")),
    )


async def _own_pictures(house: House, person: Person, written: str) -> tuple[str, ...]:
    """The pictures that this person did send: nobody can put another's picture on a ticket."""
    named = [one for one in written.split(",")[:_MOST_PICTURES] if is_picture_id(one)]
    senders = await house.store.pictures.senders(named)
    return tuple(one for one in named if senders.get(one) == _sender(person))


def _point(form: dict[str, str]) -> Point | None:
    longitude, latitude = form.get("longitude", ""), form.get("latitude", "")
    if not longitude and not latitude:
        return None
    try:
        point = Point(float(longitude), float(latitude))
    except ValueError:
        raise bad_fields([FieldError("longitude", "定位不是数字，请重新定位")]) from None
    if not (-180 <= point.longitude <= 180 and -90 <= point.latitude <= 90):
        raise bad_fields([FieldError("longitude", "定位超出范围，请重新定位")])
    return point


async def _standing(house: House, person: Person | None) -> dict[str, Any]:
    """What the page shows: what was said, what can be answered, what is understood so far."""
    past = (await history(house, person))[-_SHOWN:] if person else []
    last = past[-1].reply if past else None
    return {
        "welcome": f"您好，这里是{house.settings.bureau.name}。{WELCOME}",
        "said": list(_bubbles(past, await _still_kept(house, past))),
        "choices": last.choices if last else MENU,
        "expects": last.expects if last else "text",
        "cards": await summary(house, person) if person else (),
        "turn": secrets.token_hex(12),
        "hotline": house.settings.conversation.hotline,
        "tiles": house.settings.map,
    }


async def _still_kept(house: House, past: list[Exchange]) -> set[str]:
    """Those of the pictures that were sent which are there: one that no ticket came of is not kept for long."""
    sent = [one for exchange in past for one in exchange.turn.photos]
    return set(await house.store.pictures.senders(sent)) if sent else set()


def _bubbles(past: list[Exchange], kept: set[str]) -> Iterator[Said]:
    offered: tuple[Choice, ...] = MENU
    for exchange in past:
        turn, reply = exchange.turn, exchange.reply
        label = next((one.label for one in offered if one.code == turn.choice), "") if turn.choice else ""
        words = turn.text or label or ("（发送了定位）" if turn.point else "")
        pictures = tuple(one for one in turn.photos if one in kept)
        yield Said(f"t-{turn.id}", True, words, pictures=pictures, deleted=len(turn.photos) - len(pictures))
        for number, message in enumerate((reply or _WORKING).messages):
            yield Said(f"r-{turn.id}-{number}", False, message.text, message)
        offered = reply.choices if reply else ()


_WORKING = Reply((Message("正在登记，请稍候刷新本页。"),))
