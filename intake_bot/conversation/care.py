"""Where a person comes before a form: danger, despair, somebody who wants a human being, who is in a hurry or angry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.understanding import Understanding
from intake_bot.conversation.asking import Desk, Step, advanced
from intake_bot.conversation.hearing import Heard
from intake_bot.conversation.state import Add, Draft, File, Filing, Stage, State, source_no
from intake_bot.conversation.taking import LONGEST_PLACE, cleared, complaint_of, hotline_link
from intake_bot.conversation.turns import Link, Message

SAME_EMERGENCY = timedelta(minutes=30)
"""What is said of a danger within this time after it was registered belongs to that ticket."""

FOR_PERSON = "市民要求人工服务"
"""Stands at the head of a ticket that asks for a human being; a rule of `config.yml` sends those to the desk."""

_CALLS = {
    "110": Link("拨打 110", "tel:110"),
    "119": Link("拨打 119", "tel:119"),
    "120": Link("拨打 120", "tel:120"),
    "12356": Link("拨打 12356", "tel:12356"),
}


def alarm(state: State, heard: Heard, desk: Desk) -> Step:
    """Danger: whom to call comes first, and the desk is told at once with what is known."""
    running = running_emergency(state, heard)
    warned = Message(_warning(heard.understanding), "warning", links=(_CALLS["110"], _CALLS["119"], _CALLS["120"]))
    if running is not None:
        return _added(state, heard, desk, running, (warned,), heard.told.place)
    return _filed(state, heard, desk, warned)


def comfort(state: State, heard: Heard, desk: Desk) -> Step:
    """Despair: gentle words, somebody to talk to, and the desk is told at once."""
    said = Message(
        "听到您这样说，我们很担心您。您不是一个人，请先不要伤害自己，找一个安全的地方，身边有人的话请告诉他。\n"
        "全国心理援助热线 12356 有专业人员可以倾诉；如果已经有危险，请马上拨打 120 或 110。\n"
        "您遇到的难处，我们会请值班人员来了解。",
        "warning",
        links=(_CALLS["12356"], _CALLS["120"], _CALLS["110"]),
    )
    running = running_emergency(state, heard)
    worried = replace(state, worried=True)
    if running is not None:
        return _added(worried, heard, desk, running, (said,), heard.told.place)
    return _filed(worried, heard, desk, said)


def running_emergency(state: State, heard: Heard) -> Filing | None:
    """The emergency of this dialogue that was registered just now."""
    newest = state.filings[-1] if state.filings else None
    if newest is not None and newest.emergency and heard.at - newest.filed_at <= SAME_EMERGENCY:
        return newest
    return None


def _warning(understanding: Understanding | None) -> str:
    risks = understanding.risks if understanding else ()
    if "fire_or_gas" in risks:
        return (
            "如果火情、泄漏正在发生，请先离开现场，到安全的地方马上拨打 119；有人受伤请拨打 120。\n"
            "闻到燃气味：不开关电器、不用明火，开窗通风，关阀门，到室外再打电话。"
        )
    if "threat" in risks and "danger_to_life" not in risks:
        return "如果有人正在威胁或伤害您，请先到安全的地方，马上拨打 110；有人受伤请拨打 120。"
    return "如果有人正处在危险中，请马上拨打 110、119（抢险救援）或 120（急救），不要等我们。"


def _filed(state: State, heard: Heard, desk: Desk, said: Message) -> Step:
    told = [text for draft in state.drafts for text in draft.content]
    begun = state.draft or Draft()
    draft = replace(
        begun,
        content=(*told, heard.text),
        place=heard.told.place or begun.place,
        photos=tuple(dict.fromkeys(photo for one in state.drafts for photo in one.photos)) or heard.turn.photos,
        point=heard.turn.point or begun.point,
        department="",
    )
    complaint = complaint_of(state, draft, state.filed + 1, desk.channel, heard.at)
    kept = replace(state, drafts=(draft,), at=0, parts=(), filed=state.filed + 1)
    return Step(kept, (said,), File((complaint,), emergency=True))


def tell_place(state: State, heard: Heard, desk: Desk) -> Step:
    """Where the danger is: passed on at once."""
    running = running_emergency(state, heard)
    words = heard.text.replace("\n", " ")[:LONGEST_PLACE]
    return _added(state, heard, desk, running, (), words) if running else Step(advanced(cleared(state)))


def tell_phone(state: State, heard: Heard, desk: Desk) -> Step:
    """A number to call, or whatever else is said of the danger."""
    running = running_emergency(state, heard)
    return _added(state, heard, desk, running, (), "") if running else Step(advanced(cleared(state)))


def pass_over(state: State, heard: Heard, desk: Desk) -> Step:
    """No answer to a question about a danger: it is not asked again."""
    if state.stage is Stage.URGENT_PLACE and not state.phone:
        return Step(replace(state, stage=Stage.URGENT_PHONE))
    return Step(cleared(state), (Message("好的。值班人员已经收到，您有新情况随时发来。"),))


def _added(state: State, heard: Heard, desk: Desk, running: Filing, said: tuple[Message, ...], place: str) -> Step:
    draft = state.draft or Draft()
    grown = replace(
        draft,
        content=(*draft.content, heard.text) if heard.text else draft.content,
        place=place or draft.place,
        point=heard.turn.point or draft.point,
        photos=tuple(dict.fromkeys((*draft.photos, *heard.turn.photos))),
    )
    return added(state.with_draft(grown), grown, running, desk, heard, said)


def added(state: State, draft: Draft, filing: Filing, desk: Desk, heard: Heard, said: tuple[Message, ...] = ()) -> Step:
    """What somebody adds to a ticket that is there, as a newer version of its complaint."""
    ordinal = int(filing.source_no.rsplit("-", 1)[1])
    assert filing.source_no == source_no(state.conversation, ordinal)
    version = filing.sendings + 1
    complaint = complaint_of(state, draft, ordinal, desk.channel, heard.at, version=version)
    grown = replace(filing, sendings=version)
    filings = tuple(grown if one.ticket_no == filing.ticket_no else one for one in state.filings)
    return Step(replace(state, filings=filings), said, Add(complaint, filing.ticket_no))


def person(state: State, heard: Heard, desk: Desk) -> Step:
    """Somebody wants a human being: the number to call, and a ticket for the desk where they like."""
    said = Message(
        f"可以直接拨打 {desk.hotline}，有话务员接听。\n也可以在这里留下电话，值班人员按登记的时限与您联系。",
        links=(hotline_link(desk),),
    )
    drafts = state.drafts
    if drafts and drafts[0].for_person:
        return Step(state, (said,))
    told = drafts[0].content if drafts and drafts[0].content else ((state.question,) if state.question else ())
    begun = drafts[0] if drafts else Draft()
    wanted = replace(begun, content=(FOR_PERSON, *told), for_person=True, matter="", department="")
    here = replace(state, drafts=(wanted, *drafts[1:]), at=0, parts=(), question="")
    return Step(advanced(here), (said,))


def hurry(state: State, heard: Heard, desk: Desk) -> Step:
    """Impatience: no question more than is needed."""
    sorry = Message("对不起，让您着急了。")
    if not state.drafts:
        return Step(state, (Message("对不起，让您着急了。请直接说出了什么事、在哪里，我马上登记。"),), ask=False)
    hurried = replace(state, hurried=True)
    optional = state.stage in {Stage.SINCE, Stage.PHOTO}
    return Step(advanced(hurried) if optional else hurried, (sorry,))


def calm(state: State, heard: Heard, desk: Desk) -> Step:
    """An insult is not answered with one."""
    said = "很抱歉让您不愉快，您的事我们会认真办。"
    if not state.drafts and state.stage is Stage.IDLE:
        return Step(state, (Message(f"{said}请说说遇到了什么问题；想和人说话，可以拨打 {desk.hotline}。"),), ask=False)
    return Step(state, (Message(said),))
