"""Talking about a ticket that is there: how it stands, urging, adding to it, rating it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal, cast

from intake_bot.conversation.asking import Desk, Step, advanced
from intake_bot.conversation.care import added
from intake_bot.conversation.hearing import Heard
from intake_bot.conversation.signals import Act
from intake_bot.conversation.state import Draft, LookUp, Rate, Stage, State, Urge
from intake_bot.conversation.taking import begin_with_picture
from intake_bot.conversation.turns import Message

JUST_FILED = timedelta(minutes=30)
LONGEST_WORDS = 200


def ask_which(state: State, heard: Heard, desk: Desk) -> Step:
    """How does it stand? The only ticket of this dialogue is shown at once."""
    if heard.ticket_no:
        return look_up(state, heard, desk)
    if len(state.filings) == 1:
        return Step(state, deed=LookUp(state.filings[0].ticket_no, own=True))
    return Step(replace(state, stage=Stage.TICKET_NO))


def look_up(state: State, heard: Heard, desk: Desk) -> Step:
    """A number was given: shown where it is the person's own, else the four digits are asked for."""
    if not heard.ticket_no:
        return Step(state, (Message("没有看到工单编号。"),))
    if state.filing(heard.ticket_no) is not None:
        return Step(replace(state, wanted_no=""), deed=LookUp(heard.ticket_no, own=True))
    if heard.tail:
        return Step(replace(state, wanted_no=heard.ticket_no), deed=LookUp(heard.ticket_no, tail=heard.tail))
    return Step(replace(state, stage=Stage.TAIL, wanted_no=heard.ticket_no))


def tail(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(state, deed=LookUp(state.wanted_no, tail=heard.tail))


def no_tail(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(state, (Message("没有看到四位数字。"),))


def leave(state: State, heard: Heard, desk: Desk) -> Step:
    """Back to what was being taken down, or to nothing."""
    left = replace(state, wanted_no="", case="", offers=(), solved="")
    return Step(advanced(left), (Message("好的。"),))


def urge(state: State, heard: Heard, desk: Desk) -> Step:
    """催办 of the ticket that is being talked about, or of the only one there is."""
    no = state.case or (state.filings[0].ticket_no if len(state.filings) == 1 else "")
    if not no:
        return ask_which(state, heard, desk)
    return Step(state, deed=Urge(no, heard.text[:LONGEST_WORDS]))


def look_again(state: State, heard: Heard, desk: Desk) -> Step:
    """`case` is only ever a ticket that this person may see."""
    return Step(state, deed=LookUp(state.case, own=True)) if state.case else ask_which(state, heard, desk)


def rate(state: State, heard: Heard, desk: Desk) -> Step:
    if state.case and "rate" in state.offers:
        return Step(replace(state, stage=Stage.SOLVED))
    return look_again(state, heard, desk)


_SOLVED: dict[str, Literal["yes", "partly", "no"]] = {"yes": "yes", "partly": "partly", "no": "no"}


def solved(state: State, heard: Heard, desk: Desk) -> Step:
    if Act.SOLVED in heard.acts and heard.carried in _SOLVED:
        answer = _SOLVED[heard.carried]
    elif Act.YES in heard.acts or heard.plain.startswith(("解决了", "已解决", "已经解决", "都解决", "处理好了")):
        answer = "yes"
    elif "部分" in heard.plain or "一半" in heard.plain or "一点" in heard.plain:
        answer = "partly"
    elif Act.NO in heard.acts or any(
        word in heard.plain for word in ("没解决", "没有解决", "未解决", "还是", "没处理", "没人")
    ):
        answer = "no"
    else:
        return Step(state)
    return Step(replace(state, solved=answer, stage=Stage.SATISFACTION))


def satisfied(state: State, heard: Heard, desk: Desk) -> Step:
    words = heard.plain
    if heard.carried in {"satisfied", "basically", "unsatisfied"}:
        answer = heard.carried
    elif "不满意" in words or "差" in words or "失望" in words:
        answer = "unsatisfied"
    elif "基本" in words or "一般" in words or "还行" in words or "凑合" in words:
        answer = "basically"
    elif "满意" in words or "很好" in words or "不错" in words or Act.YES in heard.acts:
        answer = "satisfied"
    else:
        return Step(state)
    rating = cast(Literal["satisfied", "basically", "unsatisfied"], answer)
    return Step(replace(state, solved=""), deed=Rate(state.case, state.solved or "partly", rating))


def add(state: State, heard: Heard, desk: Desk) -> Step:
    """Something more about the ticket that was made last, or that is being talked about."""
    filing = state.filing(state.case) if state.case else (state.filings[-1] if state.filings else None)
    if filing is None:
        return Step(state, (Message("补充只能加在您自己在这里登记的工单上。请直接说情况，我为您新登记。"),))
    if not (heard.turn.photos or heard.turn.point or len(heard.plain) > 6):
        return Step(
            replace(state, case=filing.ticket_no),
            (Message("请说要补充的情况，用“补充”两个字开头；也可以发照片、定位。"),),
            ask=False,
        )
    content = (heard.text,) if heard.text else ("（补充照片或定位）",)
    draft = Draft(content=content, place=heard.told.place, point=heard.turn.point, photos=heard.turn.photos)
    return added(state, draft, filing, desk, heard)


def picture(state: State, heard: Heard, desk: Desk) -> Step:
    """A picture or position with nothing in hand: for the ticket made just now, else for a new one."""
    newest = state.filings[-1] if state.filings else None
    if newest is not None and heard.at - newest.filed_at <= JUST_FILED:
        return add(replace(state, case=newest.ticket_no), heard, desk)
    return begin_with_picture(state, heard, desk)
