"""Some weeks of an invented town, for pictures of the pages: everything goes through the house's own rooms, only earlier."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from domain.actions import DETAILS
from domain.complaint import Complaint, Place, Point, Reporter
from domain.handling import handle
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.limit import Limit
from domain.people import Actor, Role
from domain.ticket import Status, Ticket
from domain.worktime import LOCAL
from intake_bot.house import House
from intake_bot.intake import take
from storage.tickets import TicketFilter
from supervision.sweeps import Sweeps

MATTERS = (
    "凤凰大道{n}号门口人行道上每天早上有人摆摊卖菜，行人只能走到马路上去，希望管一管。",
    "恬庄老街一家烧烤店晚上油烟直往楼上飘，窗户都不敢开，已经半个月了。",
    "港口老街路口的广告牌松动，刮风时摇得厉害，怕掉下来砸到人。",
    "湖滨苑{n}幢楼下有人私自搭建阳光房，把公共绿地占了一大块。",
    "双龙村一家家具厂夜里偷偷排放废气，味道刺鼻，早上起来喉咙疼。",
    "桃源苑小区门口垃圾桶满了好几天没有人清，苍蝇很多。",
    "西张菜场旁边的工地凌晨两点还在打桩，孩子没法睡觉，明天还要上学。",
    "清水村河边有人倾倒建筑垃圾，已经堆了三四车。",
    "飞凤路两边人行道上停满了车，轮椅根本过不去。",
    "夏市村的路灯坏了一排，晚上走路看不见，请尽快修。",
    "凤凰菜场门口有人遛狗不牵绳，昨天差点咬到小孩。",
    "请问在店门口装一块新招牌要办什么手续，到哪里办？",
    "建议在凤凰社区广场边上增加几个分类垃圾桶，方便大家。",
    "支山村有人在基本农田里堆放废旧轮胎，下雨天黑水直流。",
    "杏市村一家洗车店把脏水直接排到路上，冬天结冰摔过人。",
    "金谷村某工地渣土车不盖篷布，一路扬尘，路面全是泥。",
    "我想感谢一大队的队员，上周反映的占道问题当天就处理了。",
    "魏庄村有人举报一家作坊没有任何手续，夜里生产，机器声很大，请为举报人保密。",
)
CHANNELS = ("12345", "12345", "12345", "12319", "12369", "e-steward", "web", "phone")
OPERATOR = Actor("operator.one", Role.OPERATOR)
WEST, SOUTH, EAST, NORTH = 120.58, 31.74, 120.67, 31.80
DAYS = 42
BY_DAY = 9


async def live(house: House, now: datetime, seed: int = 20261125) -> None:
    """Fill an empty house with the weeks up to now: most matters are finished, some are late, some have just come."""
    chance = random.Random(seed)
    for day in range(DAYS, -1, -1):
        morning = (now - timedelta(days=day)).astimezone(LOCAL).replace(hour=8, minute=0, second=0, microsecond=0)
        for _ in range(BY_DAY if morning.weekday() < 5 else 2):
            received = morning + timedelta(minutes=chance.randrange(0, 600))
            if received < now - timedelta(minutes=5):
                await _one(house, chance, received, now)
    await _wait_for_people(house, now)
    sweeps = Sweeps(
        house.store,
        house.settings.supervision,
        house.calendar,
        house.planner,
        Limit.parse(house.settings.router.margin),
    )
    await sweeps.lights(now)
    await sweeps.gaps(now)


async def _wait_for_people(house: House, now: datetime) -> None:
    """What somebody has to decide: a return, requests for time, orders."""
    page = await house.store.tickets.page(TicketFilter(open_only=True), limit=60)
    tickets = await house.store.tickets.several([one.ticket_no for one in page.items])
    in_work = [one for one in tickets if one.lead and one.lead.status is Status.ACCEPTED]
    dispatched = [one for one in tickets if one.lead and one.lead.status is Status.DISPATCHED]
    reason = {"reason_code": "R1", "basis": "不在权力清单内，属市级主管部门职责"}
    for ticket in dispatched[:2]:
        await _act(house, ticket, Action.RETURN, reason, now - timedelta(minutes=50))
    for ticket in in_work[:2]:
        details = {"working_days": 3, "reason": "需会同市级主管部门现场核实"}
        await _act(house, ticket, Action.EXTEND, details, now - timedelta(minutes=40))
    for ticket in in_work[2:5]:
        order = {"requirement": "请在今天下班前到场处置，并电话告知诉求人", "due_at": now + timedelta(hours=5)}
        await _act(house, ticket, Action.PRESS, order, now - timedelta(minutes=30))


async def _one(house: House, chance: random.Random, received: datetime, now: datetime) -> None:
    text = chance.choice(MATTERS).format(n=chance.randrange(1, 90))
    channel = chance.choice(CHANNELS)
    complaint = Complaint(
        channel=channel,
        source_no=f"{received:%y%m%d}{chance.randrange(10**6):06d}",
        reported_at=received - timedelta(minutes=chance.randrange(2, 40)),
        received_at=received,
        content=text,
        reporter=Reporter(
            name=chance.choice(("张某某", "李某某", "王某某", "赵某某")),
            phone=f"1380000{chance.randrange(60):04d}",
            confidential="保密" in text,
        ),
        place=Place(point=Point(round(chance.uniform(WEST, EAST), 6), round(chance.uniform(SOUTH, NORTH), 6))),
        raw=b"{}",
    )
    actor = Actor(f"channel:{channel}", Role.CHANNEL)
    ticket = (await take(house, [complaint], actor, received, channel=channel))[0].ticket
    at = received
    for action, details, hours in _steps(ticket, chance):
        at += timedelta(hours=chance.expovariate(1 / hours))
        if at >= now:
            return
        ticket = await _act(house, ticket, action, details, at)


def _steps(ticket: Ticket, chance: random.Random) -> Iterator[tuple[Action, dict[str, Any], float]]:
    if ticket.status is Status.TRIAGE:
        yield (
            Action.TRANSFER,
            {"brigade": chance.choice(("brigade-1", "brigade-2", "brigade-3")), "reason": "按职责"},
            1,
        )
    yield Action.ACCEPT, {}, 2
    yield Action.CONTACT, {}, 5
    if chance.random() < 0.06:
        yield Action.URGE, {"note": "诉求人来电催问"}, 20
    if chance.random() < 0.08:
        yield Action.EXTEND, {"working_days": 3, "reason": "需会同相关单位现场核实"}, 24
        yield Action.EXTEND, {"decision": "approved"}, 3
    result = "我大队已派员到现场核查，情况属实，已责令当事人当场改正，并告知诉求人。"
    yield Action.RESOLVE, {"result": result, "public_reply": result, "photos": ("https://example.invalid/1.jpg",)}, 30
    satisfied = chance.choice(("satisfied", "satisfied", "satisfied", "basically", "unsatisfied"))
    yield Action.FOLLOW_UP, {"solved": chance.choice(("yes", "yes", "yes", "partly")), "satisfaction": satisfied}, 8
    yield Action.CLOSE, {}, 4


_OF_THE_UNIT = frozenset({Action.ACCEPT, Action.CONTACT, Action.RESOLVE, Action.RETURN})


async def _act(house: House, before: Ticket, action: Action, details: dict[str, Any], at: datetime) -> Ticket:
    lead = before.lead
    actor = OPERATOR
    if lead is not None and (action in _OF_THE_UNIT or (action is Action.EXTEND and "reason" in details)):
        actor = Actor(lead.handler or "brigade", Role.BRIGADE, lead.unit)
    elif action in {Action.EXTEND, Action.PRESS}:
        actor = Actor("supervision.head", Role.SUPERVISOR)
    body = DETAILS[action](**details)
    try:
        return await house.store.change(before.no, lambda now: handle(now, action, body, actor, at, house.planner))
    except (Forbidden, Incomplete, NotAllowed):
        return before  # referred outside, or at its end already
