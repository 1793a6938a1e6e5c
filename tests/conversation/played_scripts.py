"""Reads the scripted conversations of `scripts/*.txt` and holds a real dialogue against them.

A file holds several scripts, each headed by `== title ==`. Its lines:

    市民：words                    a turn; 市民[按 code]、市民[照片 2]、市民[定位 120.62,31.76]: a button, pictures, a position
    市民[重复 1万] 哈              the words ten thousand times over
    别人：words                    a turn of another person; 第三人：words   of a third
    本局：words                    the reply holds these words (several lines: all of them)
    本局不说：words                the reply does not
    按钮：label、label             these buttons are there;  没有按钮：label
    等待：place                    what the reply expects
    过：3小时                      time goes by (分钟、小时、天)
    坐席：action field=value       somebody of ours acts on the newest ticket ; {编号} in a line is that ticket's number
    工单：n field=value …          the n-th ticket of the script has these fields;  工单数：n  there are n
    件数：n                        the summary shows so many matters
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.actions import DETAILS
from domain.complaint import Point
from domain.handling import handle
from domain.lifecycle import Action
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import Ticket
from intake_bot.conversation.dialogue import converse, summary
from intake_bot.conversation.turns import Person, Reply, Turn
from intake_bot.house import House
from storage.tickets import TicketFilter

FOLDER = Path(__file__).with_name("scripts")
BEGINS = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""Tuesday, 09:30 in Shanghai."""

BETWEEN = timedelta(seconds=40)
_LINE = re.compile(r"^(?P<who>[^：\[ ]+)(?:\[(?P<how>[^\]]*)\])?[：](?P<what>.*)$")
_PASSED = {"分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "天": timedelta(days=1)}
_NUMBER = re.compile(r"FH\d{6}-\d{5}")


@dataclass(frozen=True)
class Script:
    """A titled list of (line number, line)."""

    name: str
    lines: tuple[tuple[int, str], ...]


def scripts() -> Iterator[Script]:
    """All scripts of all files, in order."""
    for path in sorted(FOLDER.glob("*.txt")):
        title, lines = "", []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("== "):
                if lines:
                    yield Script(f"{path.stem}: {title}", tuple(lines))
                title, lines = line.strip("= "), []
            elif line.strip() and not line.startswith("#"):
                lines.append((number, line.strip()))
        yield Script(f"{path.stem}: {title}", tuple(lines))


@dataclass
class Play:
    """One script against one house."""

    house: House
    script: Script
    now: datetime = BEGINS
    reply: Reply | None = None
    turns: int = 0
    said: list[str] = field(default_factory=list)

    async def run(self) -> None:
        for number, line in self.script.lines:
            try:
                await self._line(line)
            except AssertionError as error:
                talk = "\n".join(self.said[-14:])
                raise AssertionError(f"{self.script.name}, line {number}: {line}\n{error}\n\n{talk}") from None

    async def _line(self, line: str) -> None:
        found = _LINE.match(line)
        assert found is not None, "cannot be read"
        who, how, what = found["who"], found["how"] or "", found["what"].strip()
        what = await self._filled(what)
        if who in {"市民", "别人", "第三人"}:
            await self._say(who, how, what)
            return
        reply = self.reply
        if who == "本局":
            assert reply is not None and what in _text(reply), "not said"
        elif who == "本局不说":
            assert reply is not None and what not in _text(reply), "said"
        elif who in {"按钮", "没有按钮"}:
            assert reply is not None
            labels = [one.label for one in reply.choices]
            there = who == "按钮"
            assert all((one in labels) is there for one in what.split("、")), f"buttons: {labels}"
        elif who == "等待":
            assert reply is not None and reply.expects == what, f"expects {reply and reply.expects}"
        elif who == "过":
            amount, unit = re.fullmatch(r"(\d+)(分钟|小时|天)", what).groups()  # type: ignore[union-attr]
            self.now += int(amount) * _PASSED[unit]
        elif who == "坐席":
            await self._staff(what)
        elif who == "工单数":
            assert len(await self._tickets()) == int(what), [one.complaint.content for one in await self._tickets()]
        elif who == "工单":
            await self._ticket(what)
        elif who == "件数":
            assert len(await summary(self.house, _person("市民"))) == int(what)
        else:
            raise AssertionError("cannot be read")

    async def _filled(self, what: str) -> str:
        """`{编号}` is the newest ticket's number."""
        if "{编号}" not in what:
            return what
        return what.replace("{编号}", (await self._tickets())[-1].no)

    async def _say(self, who: str, how: str, what: str) -> None:
        self.turns += 1
        self.now += BETWEEN
        turn = Turn(f"turn-{self.turns}", self.now, text=what)
        word, _, rest = how.partition(" ")
        if word == "按":
            turn = replace(turn, choice=rest)
        elif word == "照片":
            turn = replace(turn, photos=tuple(f"photo-{self.turns}-{one}" for one in range(int(rest))))
        elif word == "定位":
            longitude, latitude = rest.split(",")
            turn = replace(turn, point=Point(float(longitude), float(latitude)))
        elif word == "重复":
            turn = replace(turn, text=what * 10_000)
        self.reply = await converse(self.house, _person(who), turn)
        self.said += [
            f"{who}[{how}]：{what[:60]}",
            f"  本局：{_text(self.reply)}",
            f"  按钮：{[one.label for one in self.reply.choices]}",
        ]
        again = await converse(self.house, _person(who), turn)
        assert again == self.reply, "the same turn again was answered differently"

    async def _tickets(self) -> list[Ticket]:
        return await self.house.store.tickets.several(await self.house.store.tickets.numbers(TicketFilter()))

    async def _ticket(self, what: str) -> None:
        number, *pairs = what.split(" ")
        tickets = await self._tickets()
        assert len(tickets) >= int(number), f"{len(tickets)} tickets"
        ticket = tickets[int(number) - 1]
        fields = _fields(ticket)
        for pair in pairs:
            name, _, wanted = pair.partition("=")
            part = name.endswith("~")
            value = fields[name.rstrip("~")]
            fits = wanted in value if part else wanted == value
            assert fits, f"{name}: {value}"

    async def _staff(self, what: str) -> None:
        word, *pairs = what.split(" ")
        ticket = (await self._tickets())[-1]
        action = Action(word)
        details = DETAILS[action](**dict(pair.split("=", 1) for pair in pairs))  # type: ignore[arg-type]
        unit = ticket.lead.unit if ticket.lead else None
        actor = (
            Actor("test", Role.BRIGADE, unit)
            if action in {Action.ACCEPT, Action.RESOLVE, Action.CONTACT}
            else Actor("test", Role.OPERATOR)
        )
        now = self.now

        def work(before: Ticket) -> Outcome:
            return handle(before, action, details, actor, now, self.house.planner)

        await self.house.store.change(ticket.no, work)


def _person(who: str) -> Person:
    return Person("web", f"key of {who}")


def _text(reply: Reply) -> str:
    return "\n".join(one.text for one in reply.messages)


def _fields(ticket: Ticket) -> dict[str, str]:
    complaint = ticket.complaint
    reporter, point = complaint.reporter, complaint.place.point
    return {
        "分类": ticket.category,
        "类型": str(ticket.kind),
        "状态": str(ticket.status),
        "紧急": str(ticket.urgency),
        "内容": complaint.content.replace("\n", " "),
        "地点": complaint.place.address,
        "定位": f"{point.longitude},{point.latitude}" if point else "",
        "电话": reporter.phone,
        "姓名": reporter.name,
        "匿名": "是" if reporter.anonymous else "否",
        "保密": "是" if reporter.confidential else "否",
        "照片": str(len(complaint.attachments)),
        "渠道": complaint.channel,
        "催办": str(ticket.urges),
        "解决": ticket.solved,
        "满意": ticket.satisfaction,
        "重办": str(ticket.rehandled),
        "风险": "、".join(ticket.understanding.risks),
        "补充": str(ticket.source_version),
        "大队": ticket.lead.unit if ticket.lead else "",
        "网格": ticket.lead.cell if ticket.lead else "",
    }
