"""One ticket as its handler needs it in the street: what to know, where to go, what can be done now. Not: HTML or SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from domain.actions import Details, Extend, Return, Suspend
from domain.complaint import Attachment, Point
from domain.disclosure import for_unit, may_look, sees_reporter
from domain.handling import handle
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed, addressed, allowed_actions
from domain.light import Light
from domain.limit import STAGE_NAMES, Stage
from domain.people import Actor
from domain.settling import with_assignment
from domain.ticket import Assignment, Clock, PressOrder, Share, Status, Ticket
from domain.worktime import local
from intake_bot.house import House
from intake_bot.pages.story import own_pictures

SHOWN: tuple[Action, ...] = (
    Action.ACCEPT,
    Action.CONTACT,
    Action.RESOLVE,
    Action.RETURN,
    Action.EXTEND,
    Action.SUSPEND,
    Action.RESUME,
    Action.TRANSFER,
    Action.ANSWER_PRESS,
)
"""What a handler can do on the page, in the order of a matter's life."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that the page offers. `later`: only after the signature, which may still wait on the phone. `hindrance`: why it
    would be refused now."""

    action: Action
    later: bool = False
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the share: `state` is running, paused, kept or late."""

    name: str
    light: Light
    due_at: datetime
    state: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partner:
    """Another unit's share of a joint task."""

    unit: str
    share: Share
    status: Status
    light: Light
    handler: str
    result: str


def own_share(ticket: Ticket, actor: Actor) -> Assignment:
    """The share that the actor's unit works on, or worked on last. The ticket must have one."""
    share = addressed(ticket, actor, None)
    if share is not None and share.unit == actor.unit:
        return share
    return next(one for one in reversed(ticket.assignments) if one.unit == actor.unit)


def offers(house: House, ticket: Ticket, share: Assignment, actor: Actor, now: datetime) -> list[Offer]:
    """What the handler can do now, and what a signature makes possible: in a dead spot both are entered one after the other."""
    if share.ended_at is not None:
        return []
    found = [Offer(one, hindrance=_hindrance(house, ticket, one, actor, now)) for one in _allowed(ticket, actor)]
    if Action.ACCEPT in _allowed(ticket, actor):
        signed = with_assignment(ticket, replace(share, status=Status.ACCEPTED))
        found += [
            Offer(one, later=True, hindrance=_hindrance(house, signed, one, actor, now))
            for one in _allowed(signed, actor)
            if one not in _allowed(ticket, actor)
        ]
    return sorted(found, key=lambda one: SHOWN.index(one.action))


def _allowed(ticket: Ticket, actor: Actor) -> list[Action]:
    return [one for one in allowed_actions(ticket, actor) if one in SHOWN]


def _hindrance(house: House, ticket: Ticket, action: Action, actor: Actor, now: datetime) -> str:
    """What the domain says to a sound request for the action: its rules stand in one place only."""
    sound: Mapping[Action, Details] = {
        Action.RETURN: Return(reason_code=next(iter(house.planner.return_reasons)), basis="—"),
        Action.EXTEND: Extend(working_days=1, reason="—"),
        Action.SUSPEND: Suspend(until=(local(now) + timedelta(days=1)).date(), reason="—"),
    }
    if action not in sound:
        return ""
    try:
        handle(ticket, action, sound[action], actor, now, house.planner)
    except (NotAllowed, Forbidden) as error:
        return str(error)
    except Incomplete:
        return ""
    return ""


def look_refused(ticket: Ticket, share: Assignment, actor: Actor) -> str:
    """Why the reporter's number is not told; empty where it is."""
    reporter = ticket.complaint.reporter
    if sees_reporter(ticket, actor) and not (reporter.phone or reporter.contact):
        return "诉求人没有留下联系方式。"
    try:
        may_look(ticket, actor)
    except Forbidden as error:
        return f"{error}。"
    except NotAllowed:
        return (
            "签收后可以查看电话并联系诉求人。"
            if share.status is Status.DISPATCHED
            else "目前不在办理中，不能查看诉求人电话。"
        )
    return ""


def limits_of(share: Assignment, now: datetime) -> list[Limit]:
    """The limits of the newest round, those that still run first."""
    newest = [clock for stage in Stage if (clock := share.clock(stage)) is not None and stage is not Stage.RETURN]
    newest.sort(key=lambda one: (one.stopped_at is not None, one.due_at))
    return [
        Limit(
            STAGE_NAMES[one.stage],
            one.light if one.lights_up else Light.GREY,
            one.due_at,
            _state(one, now),
            one.reasons,
        )
        for one in newest
    ]


def _state(clock: Clock, now: datetime) -> str:
    if clock.paused:
        return "paused"
    if clock.stopped_at is not None:
        return "late" if clock.overdue(now) else "kept"
    return "running"


def partners_of(house: House, ticket: Ticket, share: Assignment) -> list[Partner]:
    """Who else works on it, the lead first."""
    others = [one for one in ticket.assignments if one.ended_at is None and one.position != share.position]
    others.sort(key=lambda one: (one.share is Share.HELPER, one.position))
    name = house.router.person_name
    return [
        Partner(
            house.router.unit_name(one.unit),
            one.share,
            one.status,
            one.light,
            name(one.handler) if one.handler else "",
            for_unit(one.result, ticket),
        )
        for one in others
    ]


def orders_of(ticket: Ticket, share: Assignment) -> list[PressOrder]:
    """The 督办 orders to this share, those that wait for an answer first."""
    return sorted(
        (one for one in ticket.orders if one.position == share.position), key=lambda one: (not one.open, -one.number)
    )


def colleagues_of(house: House, share: Assignment, now: datetime) -> list[tuple[str, str]]:
    """(account, words) of everybody who can take the share over, B post first, with who is away."""
    away = house.planner.away(now, house.absences.now_known())
    people = next((one.people for one in house.settings.router.units if one.code == share.unit), ())
    found = []
    for one in people:
        if one.account == share.handler:
            continue
        post = "（B岗）" if one.account == share.backup else "（A岗）" if one.account == share.owner else ""
        found.append((one.account, f"{one.name}{post}{'，不在岗' if one.account in away else ''}"))
    return sorted(found, key=lambda one: one[0] not in {share.owner, share.backup})


def phrases_for(house: House, ticket: Ticket) -> list[str]:
    """The configured sentences that fit the matter: its own first, then the general ones."""
    leaf = house.tree.get(ticket.category)
    names = {leaf.code, leaf.group, leaf.branch} if leaf else set()
    phrases = house.settings.pages.phrases
    own = [one.text for one in phrases if names & set(one.matters)]
    return own + [one.text for one in phrases if not one.matters]


def wants_photo(house: House, ticket: Ticket) -> bool:
    """Whether a result of this matter must show pictures."""
    leaf = house.tree.get(ticket.category)
    names = {leaf.code, leaf.time_class} if leaf else set()
    return bool(names & set(house.settings.supervision.photo_required))


def pictures_of(attachments: tuple[Attachment, ...]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """What was sent along: our own pictures, and (address, name) of files of other sites that can be opened there."""
    own = own_pictures(one.url for one in attachments)
    elsewhere = [
        (one.url, one.name or f"附件 {number}")
        for number, one in enumerate(attachments, 1)
        if urlsplit(one.url).scheme in {"http", "https"}
    ]
    return own, elsewhere


def ways_there(point: Point | None, address: str) -> Iterator[tuple[str, str]]:
    """(name, address) of what opens the phone's own map, Amap or Baidu at the place; nothing where it is not known.

    Built from the coordinates (WGS-84) and the address only: nothing else of the ticket leaves the phone.
    """
    if point is not None:
        longitude, latitude = f"{point.longitude:.6f}", f"{point.latitude:.6f}"
        name = address or "诉求地点"
        amap = {"position": f"{longitude},{latitude}", "name": name, "coordinate": "wgs84", "callnative": "1"}
        baidu = {
            "location": f"{latitude},{longitude}",
            "title": name,
            "content": name,
            "coord_type": "wgs84",
            "output": "html",
        }
        yield "高德地图", f"https://uri.amap.com/marker?{urlencode(amap)}"
        yield "百度地图", f"https://api.map.baidu.com/marker?{urlencode(baidu)}"
        yield "手机地图", f"geo:{latitude},{longitude}?q={latitude},{longitude}({quote(name)})"
    elif address:
        yield "高德地图", f"https://uri.amap.com/search?{urlencode({'keyword': address, 'callnative': '1'})}"
        yield "百度地图", f"https://api.map.baidu.com/geocoder?{urlencode({'address': address, 'output': 'html'})}"
        yield "手机地图", f"geo:0,0?q={quote(address)}"
