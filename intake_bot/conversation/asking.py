"""What is asked at each stage, with which buttons, and which stage comes next: only for what is missing, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from domain.complaint import KIND_NAMES, Kind
from domain.privacy import masked_phone
from intake_bot.conversation.state import Deed, Draft, Slot, Stage, State
from intake_bot.conversation.turns import Card, CardRow, Choice, Expects, Message


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers: the bureau's name, the number people can call, the channel that we speak on."""

    bureau: str
    hotline: str
    channel: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a turn leads to. `deed`: what must be done before the rest can be said; `ask`: whether the stage's question
    follows."""

    state: State
    messages: tuple[Message, ...] = ()
    deed: Deed | None = None
    ask: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the buttons below it and what the page should offer to enter."""

    text: str
    choices: tuple[Choice, ...]
    expects: Expects = "text"


CANCEL = Choice("cancel", "不反映了")
PERSON = Choice("person", "找人工")
REPORT = Choice("report", "我要反映问题")
STATUS = Choice("status", "查办理进度")
ASK = Choice("ask", "咨询")
MENU = (REPORT, STATUS, ASK, PERSON)

_LOCAL_KINDS = frozenset({Kind.COMPLAINT, Kind.REPORT, Kind.HELP})
"""Kinds of which it matters since when, and what it looks like."""


def advanced(state: State) -> State:
    """The state at the stage of the first thing that is missing."""
    if state.parts:
        return replace(state, stage=Stage.SEVERAL)
    if not state.drafts:
        return replace(state, stage=Stage.IDLE, at=0)
    for at, draft in enumerate(state.drafts):
        stage = _missing(state, draft)
        if stage is not None:
            return replace(state, stage=stage, at=at)
    if not state.phone and not state.no_phone:
        return replace(state, stage=Stage.PHONE, at=0)
    return replace(state, stage=Stage.CONFIRM, at=0)


def answered(state: State) -> State:
    """The question of the stage was answered or passed over: on to the next; this one is not asked again."""
    slot, draft = _SLOTS.get(state.stage), state.draft
    if slot is not None and draft is not None:
        state = state.with_draft(replace(draft, asked=(*draft.asked, slot)))
    return advanced(state)


_SLOTS: dict[Stage, Slot] = {Stage.PLACE: "place", Stage.SINCE: "since", Stage.PHOTO: "photo"}


def _missing(state: State, draft: Draft) -> Stage | None:
    if not draft.content:
        return Stage.MATTER
    if draft.department and not draft.forward:
        return Stage.REFER
    if draft.for_person or draft.kind is Kind.CONSULTATION:
        return None
    if (not draft.has_place or draft.coarse) and "place" not in draft.asked:
        return Stage.PLACE
    if draft.kind not in _LOCAL_KINDS or state.hurried or draft.forward or len(state.drafts) > 1:
        return None
    if not draft.since and "since" not in draft.asked:
        return Stage.SINCE
    if not draft.photos and "photo" not in draft.asked:
        return Stage.PHOTO
    return None


def question(state: State) -> Question:
    """The question of the state's stage; an empty text where nothing is asked."""
    return _QUESTIONS[state.stage](state)


def _idle(state: State) -> Question:
    return Question("", MENU, "text")


def _matter(state: State) -> Question:
    text = "请说说发生了什么事：什么问题、在什么地方。一句话也行，说多少都可以。"
    return Question(text, (CANCEL, PERSON))


def _several(state: State) -> Question:
    told = "\n".join(f"{number}. {_short(part, 60)}" for number, part in enumerate(state.parts, 1))
    text = f"您说的好像是 {len(state.parts)} 件事：\n{told}\n分开登记，各由负责的单位办理，好吗？"
    return Question(text, (Choice("split", "分开登记"), Choice("join", "就是一件事"), CANCEL))


def _refer(state: State) -> Question:
    choices = (Choice("forward", "请帮我登记转交"), Choice("ours", "这是你们管的"), Choice("cancel", "我自己联系"))
    draft = state.draft or Draft()
    about = f"“{draft.matter}”" if len(state.drafts) == 1 else f"第 {state.at + 1} 件“{draft.matter}”"
    text = f"{about}由{draft.department}负责，不是本局的职责，您可以直接联系他们。需要我们帮您登记，由工作人员转交吗？"
    return Question(text, choices)


def _place(state: State) -> Question:
    draft = state.draft or Draft()
    which = f"第 {state.at + 1} 件（{_short(draft)}）" if len(state.drafts) > 1 else ""
    same = state.at > 0 and state.drafts[state.at - 1].has_place
    choices = (*((Choice("same_place", "和上一件同一地点"),) if same else ()), Choice("skip", "说不清"), CANCEL)
    if draft.place:
        return Question(f"{which}在{draft.place}的什么位置？门牌号、店名、路口、附近的标志都可以。", choices, "place")
    return Question(f"{which}在什么地方？村或小区、路名门牌、店名都可以，也可以发送定位。", choices, "place")


def _since(state: State) -> Question:
    return Question("这种情况从什么时候开始的？一般什么时间发生？", (Choice("skip", "说不清"), CANCEL))


def _photo(state: State) -> Question:
    return Question(
        "如果有照片，可以现在发来，便于现场核对；没有也不要紧。", (Choice("skip", "没有照片"), CANCEL), "photo"
    )


def _phone(state: State) -> Question:
    choices: tuple[Choice, ...] = (Choice("no_phone", "不便留电话"), Choice("confidential", "请为我保密"), CANCEL)
    if state.confidential:
        choices = (Choice("no_phone", "不便留电话"), CANCEL)
    if state.phone_misses:
        return Question("请再发一次电话号码：手机 11 位，座机请带区号。不便留也可以。", choices, "phone")
    return Question("请留一个联系电话，方便办理人员与您核实和答复。不留也能登记。", choices, "phone")


def _kind(state: State) -> Question:
    return Question("您希望按哪一类登记？", tuple(Choice(f"kind:{kind}", name) for kind, name in KIND_NAMES.items()))


def _confirm(state: State) -> Question:
    told = "\n\n".join(_as_text(card) for card in cards(state))
    several = len(state.drafts) > 1
    edits = () if several else (Choice("edit:place", "改地点"), Choice("edit:matter", "改内容"))
    secret = () if state.confidential else (Choice("confidential", "请为我保密"),)
    choices = (Choice("submit", "提交"), *edits, Choice("edit:phone", "改电话"), *secret, CANCEL)
    return Question(f"请核对：\n{told}\n对的话就提交；哪里不对，直接告诉我。", choices)


def _answered(state: State) -> Question:
    choices = (Choice("helped", "清楚了"), Choice("ask_desk", "没说清，请人答复"), REPORT, PERSON)
    return Question("这样说清楚了吗？", choices)


def _ticket_no(state: State) -> Question:
    own = tuple(Choice(f"case:{one.ticket_no}", one.ticket_no) for one in reversed(state.filings[-4:]))
    text = "请选择要查的工单，或发来工单编号。" if own else "请发来工单编号（登记时告诉您的，例如 FH261124-00001）。"
    return Question(text, (*own, PERSON, Choice("cancel", "不查了")))


def _tail(state: State) -> Question:
    text = f"为了保护您的隐私，请再发登记时所留电话的后四位（工单 {state.wanted_no}）。"
    return Question(text, (PERSON, Choice("cancel", "不查了")))


_OFFERS = {"urge": "催办", "rate": "评价", "look_again": "再查一次", "add": "补充情况"}


def _case(state: State) -> Question:
    offered = tuple(Choice(code, _OFFERS[code]) for code in state.offers)
    return Question("", (*offered, REPORT, PERSON))


def _solved(state: State) -> Question:
    choices = (Choice("solved:yes", "解决了"), Choice("solved:partly", "部分解决"), Choice("solved:no", "没解决"))
    return Question(f"工单 {state.case} 反映的问题解决了吗？", choices, "rating")


def _satisfaction(state: State) -> Question:
    choices = (
        Choice("satisfied:satisfied", "满意"),
        Choice("satisfied:basically", "基本满意"),
        Choice("satisfied:unsatisfied", "不满意"),
    )
    return Question("您对这次办理满意吗？", choices, "rating")


def _urgent_place(state: State) -> Question:
    if state.worried:
        return Question("方便告诉我您现在在哪里吗？也可以发定位。", (Choice("skip", "不想说"),), "place")
    return Question("请马上告诉我：具体在哪里？可以发定位。", (Choice("skip", "说不清"),), "place")


def _urgent_phone(state: State) -> Question:
    if state.worried:
        return Question("愿意留一个电话吗？值班人员会联系您。", (Choice("no_phone", "不便留电话"),), "phone")
    return Question("请留一个能打通的电话，方便值班人员马上联系您。", (Choice("no_phone", "不便留电话"),), "phone")


_QUESTIONS: dict[Stage, Callable[[State], Question]] = {
    Stage.IDLE: _idle,
    Stage.MATTER: _matter,
    Stage.SEVERAL: _several,
    Stage.REFER: _refer,
    Stage.PLACE: _place,
    Stage.SINCE: _since,
    Stage.PHOTO: _photo,
    Stage.PHONE: _phone,
    Stage.KIND: _kind,
    Stage.CONFIRM: _confirm,
    Stage.ANSWERED: _answered,
    Stage.TICKET_NO: _ticket_no,
    Stage.TAIL: _tail,
    Stage.CASE: _case,
    Stage.SOLVED: _solved,
    Stage.SATISFACTION: _satisfaction,
    Stage.URGENT_PLACE: _urgent_place,
    Stage.URGENT_PHONE: _urgent_phone,
}


def cards(state: State) -> tuple[Card, ...]:
    """Each matter as it is understood so far, with the choices that change it; empty where nothing is being taken down."""
    several = len(state.drafts) > 1
    found = []
    for number, draft in enumerate(state.drafts, 1):
        edit = "" if several else "edit:"
        rows = [
            CardRow("kind", "类型", KIND_NAMES[draft.kind], edit and "edit:kind"),
            CardRow("matter", "内容", _short(draft, 60), edit and "edit:matter"),
            CardRow("place", "地点", _place_words(draft), edit and "edit:place"),
        ]
        if draft.matter:
            rows.insert(1, CardRow("category", "事项", draft.matter))
        if draft.kind in _LOCAL_KINDS and not draft.for_person:
            rows.append(CardRow("since", "时间", draft.since or "未说明", edit and "edit:since"))
        if draft.photos:
            rows.append(CardRow("photos", "照片", f"{len(draft.photos)} 张", edit and "edit:photo"))
        if number == len(state.drafts):
            rows.append(CardRow("phone", "电话", _phone_words(state), "edit:phone"))
            rows.append(
                CardRow("secrecy", "保密", _secrecy_words(state), "open" if state.confidential else "confidential")
            )
        found.append(Card(f"第 {number} 件" if several else "您反映的问题", tuple(rows)))
    return tuple(found)


def _as_text(card: Card) -> str:
    heading = f"【{card.heading}】\n" if card.heading.startswith("第") else ""
    return heading + "\n".join(f"{row.label}：{row.value}" for row in card.rows)


def _place_words(draft: Draft) -> str:
    if draft.place:
        return f"{draft.place}（已定位）" if draft.point else draft.place
    return "已定位" if draft.point else "未说明"


def _phone_words(state: State) -> str:
    if state.phone:
        return masked_phone(state.phone)
    return "不留电话" if state.no_phone else "未说明"


def _secrecy_words(state: State) -> str:
    if state.anonymous:
        return "匿名，不记姓名电话"
    return "保密" if state.confidential else "不要求"


def _short(draft: Draft, longest: int = 24) -> str:
    text = draft.text.replace("\n", "；")
    return text if len(text) <= longest else text[: longest - 1] + "…"
