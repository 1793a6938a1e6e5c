"""Calls answered together, a bounded part at a time: whoever sends thousands of texts keeps nobody else waiting.

It shares out work among callers of one event loop. What the answers are is its user's business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from domain.understanding import Evidence, Understanding
from nlu.folding import HEAD_CHARACTERS, TAIL_CHARACTERS

Asked = tuple[str, Evidence]

MOST_IN_A_TURN = 8_000
"""Characters that are worked on before the event loop turns to others: some 20 ms."""

LEAST_OF_A_CALL = 2_000
"""Characters of one call in a turn at least, where it has as many: of more calls than four some wait for the next turn."""

LEAST_OF_A_TEXT = 50
"""What a text counts at least, in characters."""


@dataclass(slots=True)
class _Call:
    """A caller who waits. `found`: the answers to its first texts."""

    texts: Sequence[Asked]
    answers: asyncio.Future[list[Understanding]]
    found: list[Understanding] = field(default_factory=list)

    def next_part(self, room: int) -> Sequence[Asked]:
        """The next texts, as many as the room allows: at least one, where any is left."""
        first = end = len(self.found)
        while end < len(self.texts) and room > 0:
            room -= cost_of(self.texts[end][0])
            end += 1
        return self.texts[first:end]


def cost_of(text: str) -> int:
    """What a text counts, in characters: of a long one only head and tail are read."""
    return max(LEAST_OF_A_TEXT, min(len(text), HEAD_CHARACTERS + TAIL_CHARACTERS))


class Turns:
    """Callers who ask in one turn of the event loop are answered together; a long call takes several turns."""

    def __init__(self, answer: Callable[[Sequence[Asked]], list[Understanding]]) -> None:
        """`answer`: gives one answer for each text, in order."""
        self._answer = answer
        self._waiting: deque[_Call] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, texts: Sequence[Asked]) -> list[Understanding]:
        """One answer for each text, in order. Raises what `answer` raises for these texts."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting = loop, deque()
        call = _Call(texts, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._take_turn)
        self._waiting.append(call)
        return await call.answers

    def _take_turn(self) -> None:
        """Answer a part of each call, the longest waiting first, as far as a turn goes; those left over go to the end."""
        turn: list[tuple[_Call, Sequence[Asked]]] = []
        room = MOST_IN_A_TURN
        waiting, self._waiting = self._waiting, deque()
        share = max(LEAST_OF_A_CALL, room // len(waiting))
        while waiting and room > 0:
            call = waiting.popleft()
            if not call.answers.done():  # else the caller has gone away
                part = call.next_part(min(room, share))
                turn.append((call, part))
                room -= sum(cost_of(text) for text, _ in part)
        self._answer_parts(turn)
        self._waiting.extend(waiting)
        self._waiting.extend(call for call, _ in turn if not call.answers.done())
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _answer_parts(self, turn: Sequence[tuple[_Call, Sequence[Asked]]]) -> None:
        try:
            found = iter(self._answer([one for _, part in turn for one in part]))
            parts = [[next(found) for _ in part] for _, part in turn]
        except Exception:  # one caller's text is no other caller's trouble: each by itself, and whoever it is is told
            for call, part in turn:
                try:
                    _add(call, self._answer(part))
                except Exception as error:
                    call.answers.set_exception(error)
            return
        for (call, _), answers in zip(turn, parts, strict=True):
            _add(call, answers)


def _add(call: _Call, answers: Sequence[Understanding]) -> None:
    call.found.extend(answers)
    if len(call.found) == len(call.texts):
        call.answers.set_result(call.found)
