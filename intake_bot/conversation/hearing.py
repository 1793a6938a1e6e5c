"""Listening: a turn with what its words do, what the model makes of them and what the question file answers.

Everything that the table of the dialogue looks at is gathered here; nothing is decided.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from domain.category import CategoryTree
from domain.complaint import Kind, Urgency
from domain.understanding import Engine, Evidence, Understanding
from intake_bot.conversation import signals
from intake_bot.conversation.questions import Found as FoundAnswer
from intake_bot.conversation.questions import QuestionBook
from intake_bot.conversation.signals import Act
from intake_bot.conversation.state import Draft, Stage, State
from intake_bot.conversation.turns import Turn

LONGEST_TEXT = 4_000
"""Characters of one turn that are kept; the person is told where more was sent."""

SURE = 0.5
"""From this confidence on a text is taken for one about a matter, however short it is."""

CHAT_LENGTH = 15
"""A text with this many letters tells something even where the model does not know what."""

VAGUE_LENGTH = 8
"""Fewer letters than this that the model makes nothing of are asked about once more."""

BESIDE_A_NUMBER = 8
"""Letters around a phone number that say no more than whose it is: 我姓王，手机是…"""

DANGERS = frozenset({"danger_to_life", "fire_or_gas", "threat"})

_ASKS = re.compile(
    r"[?？]|[吗呢么]$|怎么|怎样|如何|多少|几点|几号|几天|多久|哪里|哪儿|在哪|什么|能不能|可不可以|可以.{0,12}吗|是否|要不要|需不需要"
    r"|是不是|有没有|咨询|请问|想问|为啥|多长时间|谁管|归谁|找谁"
)
_DETAIL = re.compile(
    r"\d|[路街巷弄桥河浜港苑园场店厂校院站楼幢栋室口]|小区|花园|大道|公寓|门口|对面|旁边|附近|隔壁|路口|[东西南北][侧边]"
    r"|村委|工地"
)
_COUNTING = re.compile(
    r"^(?:另外|此外|还有就是|还有|其次|再就是|再有|再者|顺便|同时|最后|[1-6一二三四五六][、.．]"
    r"|第[一二三四五][,，、点]?|[一二三四五]是)[，,、：: ]*"
)
_BESIDE = re.compile(
    r"[^，,。；;！!？?的有在被\s]{0,8}?"
    r"(?:旁边|对面|门口|附近|后面|前面|路口|桥头|村口|[东南西北][侧边面]|村委会?|居委会?|卫生室|文化广场|\d+[组号幢栋弄])"
)
_NO_PLACE = re.compile(r"怎么|什么|如何|哪|吗|没人|不管|一直|今天|昨天|几点")


NOTHING_TOLD = Draft()


@dataclass(frozen=True, slots=True)
class Heard:
    """A turn as it was heard. `text` is what to keep of it, `plain` its folded form.

    `told`: what the text, taken for a matter, says of it; `parts`: the same of each of several; `just_place`: the place, where
    it says nothing else. `carried`: what a button says behind its colon. `secrecy`: what is wished for the person's name,
    also where it is said by the way.
    """

    turn: Turn
    at: datetime
    text: str
    plain: str
    acts: frozenset[Act]
    secrecy: frozenset[Act] = frozenset()
    carried: str = ""
    understanding: Understanding | None = None
    told: Draft = NOTHING_TOLD
    corrected: str = ""
    just_place: str = ""
    phone: str = ""
    name: str = ""
    ticket_no: str = ""
    tail: str = ""
    answer: FoundAnswer | None = None
    parts: tuple[Draft, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Ears:
    """What listening needs. `own_places`: the words that the router finds a cell by; `threshold`: when the model is sure."""

    engine: Engine
    tree: CategoryTree
    questions: QuestionBook
    own_places: frozenset[str]
    town: str
    ticket_prefix: str
    threshold: float

    async def hear(self, turn: Turn, state: State) -> Heard:
        """Take in a turn. A button's label or number counts as the button, as long as it is the one shown last."""
        text = _clean(turn.text)
        cut = len(text) > LONGEST_TEXT
        text = text[:LONGEST_TEXT]
        plain = signals.plain(text)
        code = turn.choice or _typed(plain, state)
        if code:
            return self._pressed(turn, code)
        acts = set(signals.acts_of(plain))
        if turn.photos:
            acts = (acts - {Act.NOTHING}) | {Act.PHOTOS}
        if turn.point is not None:
            acts = (acts - {Act.NOTHING}) | {Act.POINT}
        kept = signals.without_secrecy(text) if acts & _SECRET else text
        secrecy = frozenset(acts & _SECRET)
        if secrecy and len(signals.bare(kept)) > 3:
            acts -= _SECRET  # said by the way: the rest is what the turn is about
        heard = Heard(
            turn=turn,
            at=turn.at,
            text=kept,
            plain=plain,
            acts=frozenset(acts),
            secrecy=secrecy,
            phone=signals.phone_in(plain),
            name=signals.name_in(plain),
            ticket_no=signals.ticket_no_in(plain, self.ticket_prefix),
            tail=signals.tail_in(plain),
            cut=cut,
        )
        return await self._understood(heard, state) if Act.WORDS in acts else heard

    def _pressed(self, turn: Turn, code: str) -> Heard:
        head, _, carried = code.partition(":")
        act = signals.BUTTONS.get(code) or (signals.CARRYING.get(head) if carried else None)
        acts = {act} if act else {Act.NOTHING}
        if turn.photos:
            acts.add(Act.PHOTOS)
        ticket_no = signals.ticket_no_in(carried, self.ticket_prefix) if act is Act.TICKET_NO else ""
        return Heard(
            turn,
            turn.at,
            text="",
            plain="",
            acts=frozenset(acts),
            secrecy=frozenset(acts & _SECRET),
            carried=carried,
            ticket_no=ticket_no,
        )

    async def _understood(self, heard: Heard, state: State) -> Heard:
        evidence = Evidence(received_at=heard.at)
        understanding = (await self.engine.understand([(heard.text, evidence)]))[0]
        acts = set(heard.acts)
        letters = len(signals.bare(heard.plain))
        small_talk = acts & SMALL_TALK
        if understanding.urgency is Urgency.CRITICAL:
            if "self_harm" in understanding.risks:
                acts.add(Act.SELF_HARM)
            if DANGERS & set(understanding.risks):
                acts.add(Act.DANGER)
        if not small_talk and (understanding.confidence >= SURE or letters >= CHAT_LENGTH) and letters > 3:
            acts.add(Act.TELLS)
        if Act.TELLS in acts and understanding.confidence >= SURE and letters > 12:
            acts -= {Act.HURRY, Act.INSULT, Act.PERSON}
        if not small_talk and letters < VAGUE_LENGTH and Act.TELLS not in acts:
            acts.add(Act.VAGUE)
        parts: tuple[Draft, ...] = ()
        if len({one.category.code for one in understanding.matters}) > 1:
            texts = [_COUNTING.sub("", one.text) for one in understanding.matters]
            heard_of = await self.engine.understand([(text, evidence) for text in texts])
            parts = tuple(
                self._draft(text, one, signals.plain(text)) for text, one in zip(texts, heard_of, strict=True)
            )
        answer = await self._answer(heard.plain, understanding, state)
        if answer:
            acts.add(Act.QUESTION)
        if heard.phone:
            acts.add(Act.PHONE)
            if letters - sum(char.isdigit() for char in heard.plain) <= BESIDE_A_NUMBER:
                acts -= {Act.WORDS, Act.TELLS, Act.VAGUE, Act.QUESTION}
        elif signals.looks_like_a_phone(heard.plain) and not heard.ticket_no:
            acts.add(Act.WRONG_PHONE)
        if heard.ticket_no:
            acts.add(Act.TICKET_NO)
        if heard.tail or (heard.phone and state.stage is Stage.TAIL):
            acts.add(Act.TAIL)
        said_wrong = Act.EDIT_PLACE in acts
        corrected = signals.corrected(heard.plain, said_wrong=said_wrong)
        if corrected and not (said_wrong or self._is_place(corrected)):
            corrected = ""
        if corrected:
            acts.add(Act.CORRECTED_PLACE)
        just_place = self._just_place(heard.plain, state)
        if just_place and not corrected:
            acts.add(Act.JUST_PLACE)
        return Heard(
            turn=heard.turn,
            at=heard.at,
            text=heard.text,
            plain=heard.plain,
            acts=frozenset(acts),
            secrecy=heard.secrecy,
            understanding=understanding,
            told=self._draft(heard.text, understanding, heard.plain),
            corrected=corrected,
            just_place=just_place,
            phone=heard.phone,
            name=heard.name,
            ticket_no=heard.ticket_no,
            tail=heard.phone[-4:] if heard.phone and state.stage is Stage.TAIL else heard.tail,
            answer=answer,
            parts=parts,
            cut=heard.cut,
        )

    async def _answer(self, plain: str, understanding: Understanding, state: State) -> FoundAnswer | None:
        """What the question file says to a text that asks. Something told with a place is a matter, not a question."""
        free = state.stage in FREELY_ASKED
        asks = bool(_ASKS.search(plain)) or (free and understanding.kind is Kind.CONSULTATION)
        told = understanding.kind is not Kind.CONSULTATION and any(
            one in self.own_places for one in understanding.places
        )
        if not asks or told or not 4 <= len(plain) <= 80 or not (free or state.stage in ASKED_BETWEEN):
            return None
        return await asyncio.to_thread(self.questions.find, plain)

    def _draft(self, text: str, understanding: Understanding, plain: str) -> Draft:
        """What a text tells of a matter."""
        category = self.tree.get(understanding.category.code)
        sure = category is not None and understanding.confidence >= self.threshold
        place, coarse = self._place(understanding, plain)
        outside = category.department if category and sure else None
        return Draft(
            content=(text,),
            kind=understanding.kind,
            matter=category.name if category and sure else "",
            place=place,
            coarse=coarse,
            since=_since(understanding),
            department=f"{outside.name}（电话 {outside.phone}）" if outside else "",
        )

    def _is_place(self, words: str) -> bool:
        return any(own in words for own in self.own_places) or bool(_DETAIL.search(words))

    def _just_place(self, plain: str, state: State) -> str:
        """A place that is all a text says, with its number or beside a place that we know. 3号 may be a day where we asked
        for one."""
        found = signals.just_place(plain)
        known = any(char.isdigit() for char in found) or found.startswith(tuple(self.own_places))
        return found if known and not (state.stage is Stage.SINCE and signals.is_within(found)) else ""

    def _place(self, understanding: Understanding, plain: str) -> tuple[str, bool]:
        """Where a text says it is: its place words in order, none inside another; and whether that is only a village."""
        sure = [
            one
            for one in understanding.places
            if (one in self.own_places or len(one) <= 14) and not _NO_PLACE.search(one) and len(one) > 1
        ]
        outer = [one for one in sure if not any(one != other and one in other for other in sure)]
        outer = [one for one in dict.fromkeys(outer) if one != self.town or len(outer) == 1]
        outer.sort(key=lambda one: plain.find(signals.plain(one)))
        found = "".join(outer[:3])
        beside = _BESIDE.match(plain, plain.find(found) + len(found)) if found and found in plain else None
        if beside:
            return found + beside[0], False
        named = any(party.kind != "vehicle" for party in understanding.parties)
        return found, len(outer) == 1 and outer[0] in self.own_places and not (named or _DETAIL.search(found))


SMALL_TALK = frozenset(
    {
        Act.GREET, Act.THANK, Act.PART, Act.CANCEL, Act.ABILITIES, Act.REPORT, Act.ASK, Act.RATE, Act.YES, Act.NO, Act.SKIP,
        Act.NO_PHONE, Act.SAME_PLACE, Act.HURRY, Act.INSULT, Act.PERSON, Act.STATUS, Act.URGE,
    }
)  # fmt: skip

_SECRET = frozenset({Act.ANONYMOUS, Act.CONFIDENTIAL, Act.OPEN})

FREELY_ASKED = frozenset({Stage.IDLE, Stage.MATTER, Stage.ANSWERED, Stage.CASE})
"""Where a question to us may come at any time."""

ASKED_BETWEEN = frozenset({Stage.CONFIRM, Stage.REFER, Stage.PHOTO, Stage.PHONE})
"""Where it may come in between, if it is plainly a question: not where a text answers ours about a place or a time."""


def _since(understanding: Understanding) -> str:
    return "、".join(dict.fromkeys(span.text for span in understanding.times))


def _clean(text: str) -> str:
    """The text as it was typed, without characters that cannot be shown or stored."""
    spaced = (char if char == "\n" or not char.isspace() else " " for char in text)
    return "".join(char for char in spaced if char == "\n" or char.isprintable()).strip()


def _typed(plain: str, state: State) -> str:
    """The code of the button whose label or number somebody typed instead of pressing it."""
    typed = signals.bare(plain)
    if not typed:
        return ""
    for number, choice in enumerate(state.offered, 1):
        if typed in {str(number), signals.bare(choice.label)}:
            return choice.code
    return ""
