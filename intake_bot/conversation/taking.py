"""Taking a matter down: what was told, where, since when, pictures, a number to call; corrections; handing it in.

Pure: a state and what was heard in, a step out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from domain.complaint import KIND_NAMES, Attachment, Complaint, Kind, Place, Reporter
from domain.privacy import masked_phone
from intake_bot.conversation import signals
from intake_bot.conversation.asking import Desk, Step, advanced, answered
from intake_bot.conversation.hearing import Heard
from intake_bot.conversation.signals import Act
from intake_bot.conversation.state import Draft, File, Stage, State, source_no
from intake_bot.conversation.turns import Link, Message

MOST_PHOTOS = 9
LONGEST_CONTENT = 8_000
LONGEST_PLACE = 120
LONGEST_SINCE = 60

SECRECY_KEPT = "已标记保密：您的姓名、电话不会让被反映的一方知道，也不给无关人员看。"
ANONYMOUS_KEPT = "好的，匿名登记：不记您的姓名和电话。这样我们无法回访，请记好工单编号，以后凭它在本页查询。"


def absorbed(state: State, heard: Heard) -> tuple[State, tuple[Message, ...]]:
    """What a turn says by the way, whatever it answers: a number to call, a name, secrecy, pictures, a position."""
    said: list[str] = []
    if Act.ANONYMOUS in heard.secrecy:
        state = replace(state, anonymous=True, confidential=True, no_phone=True, phone="", name="")
        said.append(ANONYMOUS_KEPT)
    elif Act.CONFIDENTIAL in heard.secrecy and not state.confidential:
        state = replace(state, confidential=True)
        said.append(SECRECY_KEPT)
    elif Act.OPEN in heard.secrecy:
        state = replace(
            state, anonymous=False, confidential=False, no_phone=bool(state.no_phone and not state.anonymous)
        )
        said.append("好的，不按保密处理。")
    if heard.phone and not state.anonymous and heard.phone != state.phone:
        state = replace(state, phone=heard.phone, no_phone=False, phone_misses=0)
        said.append(f"联系电话记下了：{masked_phone(heard.phone)}。")
    if heard.name and not state.anonymous:
        state = replace(state, name=heard.name)
    draft = state.draft
    if draft is not None and heard.turn.photos:
        photos = tuple(dict.fromkeys((*draft.photos, *heard.turn.photos)))
        state = state.with_draft(replace(draft, photos=photos[:MOST_PHOTOS]))
        said.append(_photos_kept(len(photos)))
    draft = state.draft
    if draft is not None and heard.turn.point is not None:
        state = state.with_draft(replace(draft, point=heard.turn.point, coarse=False))
        said.append("定位收到了。")
    return state, tuple(Message(one) for one in said)


def _photos_kept(count: int) -> str:
    if count > MOST_PHOTOS:
        return f"照片最多 {MOST_PHOTOS} 张，多出的没有保存。"
    return f"照片收到了，共 {count} 张。"


def begin(state: State, heard: Heard, desk: Desk) -> Step:
    """Somebody wants to report something."""
    if state.drafts and state.stage is not Stage.MATTER:
        return Step(state, (Message("好的。先把手上这件登记完，提交后再说下一件。"),))
    return Step(replace(state, stage=Stage.MATTER, drafts=(state.draft or Draft(),), at=0, question=""))


def ask_desk(state: State, heard: Heard, desk: Desk) -> Step:
    """The answer from the question file did not help: the question is for a person to answer."""
    draft = Draft(content=(state.question,), kind=Kind.CONSULTATION)
    said = Message("好的，我登记下来，请工作人员答复您。")
    return Step(advanced(replace(state, drafts=(draft,), at=0, question="")), (said,))


def begin_question(state: State, heard: Heard, desk: Desk) -> Step:
    """Somebody wants to ask something."""
    return Step(replace(state, stage=Stage.IDLE), (Message("请直接说您想问什么。"),), ask=False)


def begin_with_picture(state: State, heard: Heard, desk: Desk) -> Step:
    """A picture or a position came first."""
    draft = Draft(photos=heard.turn.photos[:MOST_PHOTOS], point=heard.turn.point)
    got = "照片" if heard.turn.photos else "定位"
    return Step(replace(state, stage=Stage.MATTER, drafts=(draft,), at=0), (Message(f"{got}收到了。"),))


def take(state: State, heard: Heard, desk: Desk) -> Step:
    """A matter is told, or several."""
    draft = _with(state.draft or Draft(), heard)
    here = replace(state, drafts=(draft,), at=0, question="")
    if heard.parts:
        return Step(replace(here, stage=Stage.SEVERAL, parts=heard.parts))
    return Step(advanced(here), _understood(draft, heard))


def take_vague(state: State, heard: Heard, desk: Desk) -> Step:
    """A few words that say little: asked again once, then taken as they are."""
    if state.stage is Stage.MATTER and state.draft is not None and state.draft.content:
        return take(state, heard, desk)
    draft = replace(state.draft or Draft(), content=(heard.text,))
    again = Message("我没有完全听明白。请再具体说说：出了什么问题、在什么地方？")
    return Step(replace(state, stage=Stage.MATTER, drafts=(draft,), at=0), (again,), ask=False)


def _with(begun: Draft, heard: Heard) -> Draft:
    """What was begun, with what was just told of it."""
    told = heard.told
    return replace(
        told,
        content=(*begun.content, heard.text),
        kind=begun.kind if begun.kind_chosen else told.kind,
        kind_chosen=begun.kind_chosen,
        place=told.place or begun.place,
        coarse=told.coarse if told.place else begun.coarse,
        since=told.since or begun.since,
        point=heard.turn.point or begun.point,
        photos=tuple(dict.fromkeys((*begun.photos, *heard.turn.photos)))[:MOST_PHOTOS],
    )


def _understood(draft: Draft, heard: Heard) -> tuple[Message, ...]:
    """What was understood, so that it can be set right. Of another department's business the question tells."""
    cut = (Message(f"内容较长，已保存前 {len(heard.text)} 个字。"),) if heard.cut else ()
    if draft.department:
        return cut
    if draft.kind is Kind.CONSULTATION:
        about = f"您咨询的是“{draft.matter}”" if draft.matter else "您的问题记下了"
        return (*cut, Message(f"{about}。我这里没有现成的答案，登记后请工作人员答复您。"))
    what = f"您反映的是“{draft.matter}”（{KIND_NAMES[draft.kind]}）" if draft.matter else "您说的情况记下了"
    where = f"，地点在{draft.place}" if draft.place else ""
    when = f"，时间是{draft.since}" if draft.since else ""
    return (*cut, Message(f"{what}{where}{when}。不对的话随时告诉我。"))


def split(state: State, heard: Heard, desk: Desk) -> Step:
    """Several matters: a draft of each. Pictures and a position that came with the text belong to the first."""
    whole = state.draft or Draft()
    first = replace(state.parts[0], photos=whole.photos, point=whole.point)
    drafts = (first, *state.parts[1:])
    said = Message(f"好的，分成 {len(drafts)} 件登记。")
    return Step(advanced(replace(state, drafts=drafts, at=0, parts=())), (said,))


def join(state: State, heard: Heard, desk: Desk) -> Step:
    return Step(advanced(replace(state, parts=())), (Message("好的，作为一件登记。"),))


def forward(state: State, heard: Heard, desk: Desk) -> Step:
    draft = state.draft or Draft()
    return Step(
        advanced(state.with_draft(replace(draft, forward=True))), (Message("好的，我登记下来，由工作人员研判转交。"),)
    )


def ours(state: State, heard: Heard, desk: Desk) -> Step:
    draft = state.draft or Draft()
    kept = replace(draft, department="", matter="")
    return Step(advanced(state.with_draft(kept)), (Message("好的，先按您说的登记，由工作人员判断归哪里办。"),))


def drop(state: State, heard: Heard, desk: Desk) -> Step:
    """Given up, kindly. Nothing of it is kept."""
    return Step(cleared(state), (Message("好的，这次不登记，刚才说的内容不会提交。以后需要时随时找我们。"),))


def leave_to_them(state: State, heard: Heard, desk: Desk) -> Step:
    """Another department's business, which the person takes there themselves; other matters go on."""
    others = (*state.drafts[: state.at], *state.drafts[state.at + 1 :])
    if not others:
        return Step(cleared(state), (Message("好的，这件不登记。以后有事随时找我们。"),))
    return Step(advanced(replace(state, drafts=others, at=0)), (Message("好的，这件不登记，接着说另外的。"),))


def cleared(state: State) -> State:
    """The state with nothing being taken down. Who the person is, and that it is to be kept secret, need not be told again."""
    return replace(
        state,
        stage=Stage.IDLE,
        drafts=(),
        at=0,
        parts=(),
        no_phone=state.anonymous,
        phone_misses=0,
        hurried=False,
        worried=False,
        question="",
        wanted_no="",
        solved="",
    )


def place(state: State, heard: Heard, desk: Desk) -> Step:
    """Where it is, in the person's words; a detail is added to the village that is known."""
    draft = state.draft or Draft()
    words = (heard.corrected or heard.text).replace("\n", " ").strip(" ，,。！!")
    if len(words) > LONGEST_PLACE:
        found = heard.told.place or draft.place
        return Step(answered(state.with_draft(replace(draft, content=(*draft.content, heard.text), place=found))))
    if len(words) < 2:
        return Step(state, (Message("没有看明白是哪里。"),))
    only_a_village = heard.told.coarse and len(words) <= len(heard.told.place) + 3
    if only_a_village and not draft.coarse and not state.hurried:
        return Step(state.with_draft(replace(draft, place=_without_lead(words), coarse=True)))
    known = draft.place if draft.coarse and draft.place not in words else ""
    changed = replace(draft, place=f"{known}{_without_lead(words)}", coarse=False)
    return Step(answered(state.with_draft(changed)))


def place_by_the_way(state: State, heard: Heard, desk: Desk) -> Step:
    """A more precise place while something else was asked; whose it is is not known once several matters are settled."""
    draft = state.draft
    if draft is None or (len(state.drafts) > 1 and state.stage in {Stage.PHONE, Stage.CONFIRM}):
        return add(state, heard, desk)
    changed = replace(draft, place=_more_precise(draft, heard.just_place)[:LONGEST_PLACE], coarse=False)
    said = Message(f"地点记下了：{changed.place}。不对的话随时告诉我。")
    return Step(state.with_draft(changed), (said,))


def _more_precise(draft: Draft, words: str) -> str:
    """What was known with what is told now: 恬庄村恬庄街38号, 恬庄老街38号, 恬庄老街（恬庄街38号）; no number twice."""
    if not draft.place or draft.place in words:
        return words
    if words in draft.place:
        return draft.place
    if signals.is_within(words):
        known, bracket = (draft.place[:-1], "）") if draft.place.endswith("）") else (draft.place, "")
        said_again = next((n for n in range(len(words), 0, -1) if known.endswith(words[:n])), 0)
        return f"{known}{words[said_again:]}{bracket}"
    if draft.coarse:
        return f"{draft.place}{words}"
    return f"{draft.place.partition('（')[0]}（{words}）"


def _without_lead(words: str) -> str:
    """`在恬庄村村委会旁边` → `恬庄村村委会旁边`."""
    for lead in ("就在", "位于", "地址是", "地点是", "在"):
        if words.startswith(lead) and len(words) > len(lead) + 1:
            return words[len(lead) :].lstrip("：: ，")
    return words


def same_place(state: State, heard: Heard, desk: Desk) -> Step:
    draft, other = state.draft or Draft(), state.drafts[max(state.at - 1, 0)]
    changed = replace(draft, place=other.place, point=other.point, coarse=False)
    return Step(answered(state.with_draft(changed)))


def go_on(state: State, heard: Heard, desk: Desk) -> Step:
    """The question was passed over, or a picture or position answered it; what was said with that is kept."""
    draft = state.draft
    if draft is not None and heard.text and (heard.turn.photos or heard.turn.point):
        state = state.with_draft(replace(draft, content=(*draft.content, heard.text)))
    return Step(answered(state))


def number_kept(state: State, heard: Heard, desk: Desk) -> Step:
    """A number to call came while something else was asked: `absorbed` has taken it."""
    return Step(state)


def since(state: State, heard: Heard, desk: Desk) -> Step:
    draft = state.draft or Draft()
    words = heard.text.replace("\n", " ").strip(" ，,。")[:LONGEST_SINCE]
    return Step(answered(state.with_draft(replace(draft, since=words))))


def phone(state: State, heard: Heard, desk: Desk) -> Step:
    """`absorbed` has taken the number; what was said beside it is kept."""
    draft = state.draft
    if draft is not None and Act.WORDS in heard.acts:
        state = state.with_draft(replace(draft, content=(*draft.content, heard.text)))
    if len(state.drafts) == 1 and state.drafts[0].for_person:
        return submit(state, heard, desk)
    return Step(advanced(state))


def wrong_phone(state: State, heard: Heard, desk: Desk) -> Step:
    """Asked once more, then it goes on without a number."""
    if state.phone_misses == 0:
        return Step(replace(state, phone_misses=1), (Message("这个号码好像不完整。"),))
    said = Message("号码还是没认出来，先按“不便留电话”登记；提交前想补留，直接发来就行。")
    return Step(advanced(replace(state, no_phone=True, phone_misses=0)), (said,))


def no_phone(state: State, heard: Heard, desk: Desk) -> Step:
    if len(state.drafts) == 1 and state.drafts[0].for_person:
        return Step(
            cleared(state),
            (Message(f"好的。没有电话，工作人员联系不上您，请直接拨打 {desk.hotline}。", links=(hotline_link(desk),)),),
        )
    said = Message("好的，不留电话。结果可以凭工单编号在这里查。")
    return Step(advanced(replace(state, no_phone=True, phone="")), (said,))


def go_on_with_secrecy(state: State, heard: Heard, desk: Desk) -> Step:
    """`absorbed` has said what is kept; the stage's question stays, unless secrecy has answered it."""
    return Step(advanced(state) if state.stage is Stage.PHONE else state)


def add(state: State, heard: Heard, desk: Desk) -> Step:
    """Something more about the matter in hand, while something else was asked."""
    draft = state.draft
    if draft is None or len(draft.text) > LONGEST_CONTENT:
        return Step(state, (Message("内容已经很多了，先按这些登记；到现场的工作人员会再向您了解。"),))
    changed = replace(
        draft,
        content=(*draft.content, heard.text),
        since=draft.since or heard.told.since,
        place=draft.place or heard.told.place,
        coarse=draft.coarse if draft.place else heard.told.coarse,
    )
    return Step(state.with_draft(changed), (Message("补充的情况记下了。"),))


def edit(state: State, heard: Heard, desk: Desk) -> Step:
    """A correction: taken at once where it says what is right, else the question is asked again."""
    draft = state.draft
    if draft is None:
        return Step(state)
    acts = heard.acts
    if Act.CORRECTED_PLACE in acts:
        changed = _moved(draft, heard.corrected[:LONGEST_PLACE])
        kept = state.with_draft(changed)
        back = kept if state.stage not in {Stage.PLACE, Stage.CONFIRM} else advanced(kept)
        return Step(back, (Message(f"改好了：地点是{changed.place}。"),))
    if Act.EDIT_PLACE in acts:
        return Step(replace(state.with_draft(replace(draft, place="", point=None, coarse=False)), stage=Stage.PLACE))
    if Act.EDIT_PHONE in acts:
        if heard.phone:
            return Step(advanced(state) if state.stage in {Stage.PHONE, Stage.CONFIRM} else state)
        return Step(replace(state, stage=Stage.PHONE, phone="", no_phone=False, phone_misses=0))
    if Act.EDIT_SINCE in acts:
        return Step(replace(state.with_draft(replace(draft, since="")), stage=Stage.SINCE))
    if Act.EDIT_PHOTO in acts:
        emptied = state.with_draft(replace(draft, photos=()))
        return Step(replace(emptied, stage=Stage.PHOTO), (Message("原来的照片去掉了，请重新发。"),))
    if Act.EDIT_KIND in acts:
        return Step(replace(state, stage=Stage.KIND))
    fresh = replace(draft, content=(), matter="", department="", forward=False)
    return Step(replace(state.with_draft(fresh), stage=Stage.MATTER), (Message("好的，内容重新说。"),))


def _moved(draft: Draft, place: str) -> Draft:
    """The draft at another place. Where its text names the wrong one it is set right too: it is the text that is routed by."""
    content = tuple(text.replace(draft.place, place) for text in draft.content) if draft.place else draft.content
    return replace(draft, content=content, place=place, point=None, coarse=False)


def kind(state: State, heard: Heard, desk: Desk) -> Step:
    """The person names the kind; what is none of the five is asked again."""
    draft = state.draft
    known = {str(one): one for one in Kind}
    if draft is None or heard.carried not in known:
        return Step(state)
    changed = replace(draft, kind=known[heard.carried], kind_chosen=True)
    return Step(advanced(state.with_draft(changed)), (Message(f"改好了：按{KIND_NAMES[changed.kind]}登记。"),))


def doubt(state: State, heard: Heard, desk: Desk) -> Step:
    """`不对` to the summary, without a word on what."""
    return Step(state, (Message("哪里不对？点下面的按钮，或直接说，例如“地点错了，是恬庄街12号”。"),), ask=False)


def submit(state: State, heard: Heard, desk: Desk) -> Step:
    """Hand in: a ticket of each draft. The kind in the summary is what the person agreed to."""
    agreed = [replace(draft, kind_chosen=draft.kind_chosen or not draft.for_person) for draft in state.drafts]
    complaints = tuple(
        complaint_of(state, draft, state.filed + number, desk.channel, heard.at)
        for number, draft in enumerate(agreed, 1)
    )
    return Step(replace(state, filed=state.filed + len(complaints)), deed=File(complaints))


def complaint_of(
    state: State, draft: Draft, ordinal: int, channel: str, at: datetime, *, version: int = 0
) -> Complaint:
    """The complaint of a draft. The same draft, ordinal and moment give the same complaint, byte for byte."""
    content = draft.text[:LONGEST_CONTENT]
    if draft.since and draft.since not in content:
        content = f"{content}\n发生时间：{draft.since}"
    reporter = Reporter(
        name=state.name,
        phone=state.phone,
        contact="" if state.anonymous else state.contact,
        anonymous=state.anonymous,
        confidential=state.confidential,
        wants_follow_up=bool(state.phone),
    )
    return Complaint(
        channel=channel,
        source_no=source_no(state.conversation, ordinal),
        source_version=version,
        reported_at=at.astimezone(UTC),
        received_at=at.astimezone(UTC),
        content=content,
        claimed_kind=draft.kind if draft.kind_chosen else None,
        claimed_kind_word=KIND_NAMES[draft.kind] if draft.kind_chosen else "",
        reporter=reporter,
        place=Place(address=draft.place, point=draft.point),
        way="公众号" if channel == "wechat" else "网页",
        attachments=tuple(Attachment(f"/pictures/{photo}") for photo in draft.photos),
        raw=msgspec.json.encode(draft),
    )


def hotline_link(desk: Desk) -> Link:
    return Link(f"拨打 {desk.hotline}", f"tel:{desk.hotline}")
