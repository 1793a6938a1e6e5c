"""The dialogue as the pages and WeChat use it: a turn in, a reply out, kept in the database so that any process goes on.

A turn that asks for a deed is noted together with the deed before it is done. Whoever comes next, this process or
another, finds it and finishes it; deeds are such that twice is once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import structlog

from intake_bot.conversation.asking import Desk, Step, cards, question
from intake_bot.conversation.doing import do
from intake_bot.conversation.hearing import LONGEST_TEXT, Ears
from intake_bot.conversation.state import WECHAT_CONTACT, Pending, Stage, State, read, written
from intake_bot.conversation.table import row_for
from intake_bot.conversation.taking import MOST_PHOTOS, absorbed
from intake_bot.conversation.telling import told
from intake_bot.conversation.turns import Card, Exchange, Message, Person, Reply, Turn
from intake_bot.house import House
from storage.conversations import ConversationChanged, StoredConversation, StoredTurn
from storage.store import StorageUnavailable

log = structlog.get_logger()

SILENCE = timedelta(hours=2)
"""After this long the person is told where we were."""

FINISH_EVERY = 60.0
"""Seconds between two looks for what a dead process left undone."""

ABANDONED = timedelta(minutes=1)
MOST_FINISHED = 100

MOST_ATTEMPTS = 40
"""So often a turn is tried again because others of the same person were stored first."""

REMEMBERED_TURNS = 200
"""Turns that `history` gives."""

LONGEST_TURN_ID = 64

_turns = msgspec.json.Decoder(Turn)
_replies = msgspec.json.Decoder(Reply)


async def converse(house: House, person: Person, turn: Turn) -> Reply:
    """Answer a turn. The same turn id again gives the same reply and changes nothing.

    Raises ValueError for a turn id that is not 1 to 64 printable ASCII characters, StorageUnavailable when the database
    cannot be reached: then the same turn may be sent again.
    """
    if not (0 < len(turn.id) <= LONGEST_TURN_ID and turn.id.isascii() and turn.id.isprintable()):
        raise ValueError("a turn needs an id of 1 to 64 printable ASCII characters")
    turn = _bounded(turn)
    whose = digest(person)
    for _ in range(MOST_ATTEMPTS):
        stored, state = await _standing(house, person, whose, turn.at)
        known = await house.store.conversations.turn(stored.id, turn.id) if stored.version else None
        if known is not None and known.reply is not None:
            return _replies.decode(known.reply)
        try:
            if state.pending is not None:
                await _finish(house, whose, stored, state)
                continue
            reply = await _answer(house, whose, stored, state, turn)
        except ConversationChanged:
            continue
        if reply is not None:
            return reply
    raise StorageUnavailable("对话过于频繁")


async def history(house: House, person: Person) -> list[Exchange]:
    """What was said so far, oldest first, at most the last 200 turns."""
    stored = await house.store.conversations.find(digest(person))
    if stored is None:
        return []
    return [
        Exchange(_turns.decode(one.turn), _replies.decode(one.reply) if one.reply is not None else None)
        for one in await house.store.conversations.turns(stored.id, REMEMBERED_TURNS)
    ]


async def summary(house: House, person: Person) -> tuple[Card, ...]:
    """Each matter that is being taken down, as it is understood so far; empty where none is."""
    stored = await house.store.conversations.find(digest(person))
    return cards(read(stored.document)) if stored is not None else ()


async def keep_finishing(house: House) -> None:
    """For as long as the service runs: finish what a process noted and died before it had done."""
    while True:
        try:
            await finish_begun(house, house.now())
        except Exception as error:
            log.error("conversations_not_finished", error=type(error).__name__)
        await asyncio.sleep(FINISH_EVERY)


async def finish_begun(house: House, now: datetime) -> None:
    """Do what turns asked for that nobody has answered for a minute, so that no report of a danger waits for the next word."""
    for whose in await house.store.conversations.unanswered(now - ABANDONED, MOST_FINISHED):
        stored = await house.store.conversations.find(whose)
        if stored is None:
            continue
        state = read(stored.document)
        if state.pending is None:
            continue
        with contextlib.suppress(ConversationChanged):  # somebody else has just finished it
            await _finish(house, whose, stored, state)


async def forget_old(house: House, now: datetime) -> None:
    """Delete dialogues that nobody has gone on with for the configured days. Tickets stay."""
    days = timedelta(days=house.settings.conversation.keep_days)
    gone = await house.store.conversations.forget(now - days)
    if gone:
        log.info("conversations_forgotten", count=gone)


def digest(person: Person) -> str:
    """What a person's dialogue is kept under: 64 hexadecimal digits that do not give the key away."""
    return hashlib.sha256(f"{person.channel}\n{person.key}".encode("utf-8", "surrogatepass")).hexdigest()


async def _standing(house: House, person: Person, whose: str, now: datetime) -> tuple[StoredConversation, State]:
    """The dialogue as it is stored, or a new one that is stored with its first turn.

    One that an older version of this program wrote in a way that cannot be read any more begins anew, its turns kept.
    """
    contact = f"{WECHAT_CONTACT}{person.key}" if person.channel == "wechat" else ""
    new = State(conversation=secrets.token_hex(12), channel=person.channel, contact=contact)
    stored = await house.store.conversations.find(whose)
    if stored is None:
        return StoredConversation(new.conversation, 0, written(new), now), new
    try:
        return stored, read(stored.document)
    except msgspec.ValidationError as error:
        log.error("conversation_not_readable", error=str(error))
        return stored, new


def _bounded(turn: Turn) -> Turn:
    """The turn as it can be kept: no more than anybody types or sends at once, and nothing that is no character."""
    text = turn.text[: LONGEST_TEXT + 1].encode("utf-8", "ignore").decode().replace("\x00", "")
    photos = tuple(one for one in turn.photos[: 2 * MOST_PHOTOS] if _PHOTO.fullmatch(one))
    choice = turn.choice[:LONGEST_TURN_ID].encode("utf-8", "ignore").decode()
    return replace(turn, text=text, choice=choice, photos=photos)


_PHOTO = re.compile(r"[A-Za-z0-9-]{1,64}")


async def _answer(house: House, whose: str, stored: StoredConversation, state: State, turn: Turn) -> Reply | None:
    """Decide, store, reply. None: a deed was noted first, which must be done next."""
    desk, ears = _desk(house, state), _ears(house)
    heard = await ears.hear(turn, state)
    greeted = _after_silence(state, turn.at)
    here, by_the_way = absorbed(replace(state, said_at=turn.at), heard)
    step = row_for(here.stage, heard).step(here, heard, desk)
    said = (*greeted, *by_the_way, *step.messages)
    if step.deed is not None:
        noted = replace(step.state, pending=Pending(turn.id, step.deed, turn.at, said))
        await _save(house, whose, stored, noted, turn, None)
        return None
    state, reply = _reply(replace(step, messages=said))
    await _save(house, whose, stored, state, turn, reply)
    return reply


async def _finish(house: House, whose: str, stored: StoredConversation, state: State) -> None:
    """Do what was noted and store the reply to the turn that asked for it."""
    pending = state.pending
    assert pending is not None
    done = await do(house, state, pending)
    step = told(
        replace(state, pending=None), pending.deed, done, pending.at, _desk(house, state), house.router.unit_name
    )
    after, reply = _reply(replace(step, messages=(*pending.said, *step.messages)))
    asked = await house.store.conversations.turn(stored.id, pending.turn_id)
    assert asked is not None, "a deed is stored together with the turn that asks for it"
    await house.store.conversations.save(
        whose,
        StoredConversation(stored.id, stored.version, written(after), max(pending.at, stored.changed_at)),
        replace(asked, reply=msgspec.json.encode(reply).decode()),
    )


async def _save(
    house: House, whose: str, stored: StoredConversation, state: State, turn: Turn, reply: Reply | None
) -> None:
    await house.store.conversations.save(
        whose,
        StoredConversation(stored.id, stored.version, written(state), turn.at),
        StoredTurn(
            turn.id,
            turn.at,
            msgspec.json.encode(turn).decode(),
            msgspec.json.encode(reply).decode() if reply is not None else None,
        ),
    )


def _reply(step: Step) -> tuple[State, Reply]:
    """The step's messages with the question of its stage, and the state that remembers which buttons were shown."""
    asked = question(step.state)
    messages = step.messages
    if asked.text and step.ask:
        messages = (*messages, Message(asked.text))
    if not messages:
        messages = (Message("请说说遇到了什么问题。"),)
    finished = step.state.stage in _RESTING
    return replace(step.state, offered=asked.choices), Reply(messages, asked.choices, asked.expects, finished)


_RESTING = frozenset({Stage.IDLE, Stage.CASE})


def _after_silence(state: State, now: datetime) -> tuple[Message, ...]:
    """Where we were, for somebody who comes back after hours in the middle of something."""
    if state.said_at is None or now - state.said_at < SILENCE or state.stage in _RESTING:
        return ()
    draft = state.draft
    about = f"，上次说到“{draft.text[:30]}”" if draft is not None and draft.content else ""
    return (Message(f"您好，又见面了{about}。我们接着来；不想继续可以说“算了”。"),)


def _desk(house: House, state: State) -> Desk:
    settings = house.settings
    return Desk(settings.bureau.name, settings.conversation.hotline, state.channel)


def _ears(house: House) -> Ears:
    settings = house.settings
    return Ears(
        engine=house.engine,
        tree=house.tree,
        questions=house.questions,
        own_places=settings.router.place_words,
        town=settings.router.territory.town,
        ticket_prefix=settings.bureau.ticket_prefix,
        threshold=settings.router.threshold,
    )
