"""The Rasa engine: the category comes from a Rasa server over HTTP, everything else from the embedded engine beside it.

Whenever Rasa does not answer in time and in order, the embedded engine's answer stands as it is. This module starts no
server (`nlu.rasa_server` does) and trains nothing (`nlu.rasa` does).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import aiohttp
import numpy as np
import structlog

from domain.category import CategoryTree
from domain.understanding import Engine, Evidence, Guess, Understanding
from nlu.calibration import Calibration, Doubles, softmax
from nlu.claims import MOST_CODES, bonus_of_code
from nlu.fallback import Breaker
from nlu.rasa.training import LONGEST_TEXT, text_for_rasa

log = structlog.get_logger()

RUNNERS_UP = 2
LARGEST_ANSWER = 1_000_000
"""Bytes; an answer with more of them is not read to its end."""

_LEAST = 1e-12
_ROUNDING = 1e-6
_FAIR_SHARE = 0.5
"""A call that had less than this share of the time limit says nothing about Rasa when it is given up."""


@dataclass(frozen=True, slots=True)
class RasaSettings:
    """How Rasa is asked. `url`: a server that runs already, empty: the service starts one; `token`: that server's."""

    url: str = ""
    token: str = ""
    timeout_seconds: float = 2.0
    connections: int = 4
    longest_text: int = LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class Peer:
    """A Rasa server to ask: where, and with which token (empty: none)."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """What Rasa says of a text: intents with probabilities, best first, and the version of its model."""

    version: str
    intents: tuple[tuple[str, float], ...]


class NoAnswer(Exception):
    """Rasa did not answer as it should; `reason`: `connection`, `status` or `garbage`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RasaClient:
    """Asks one Rasa server at a time. Not: what to do when it does not answer."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._version_of: tuple[Peer, str] | None = None

    def forget_version(self) -> None:
        """Ask for the version again before the next text: the server may be another one."""
        self._version_of = None

    async def rank(self, peer: Peer, text: str) -> Ranking:
        """Rasa's ranking of a text. Raises NoAnswer; the time limit is the caller's."""
        if self._version_of is None or self._version_of[0] != peer:
            status = await self._ask(peer, "GET", "/status", None)
            self._version_of = (peer, _version_in(status))
        version = self._version_of[1]
        return Ranking(version, _ranking_in(await self._ask(peer, "POST", "/model/parse", {"text": text})))

    async def _ask(self, peer: Peer, method: str, path: str, body: Any) -> Any:
        query = {"token": peer.token} if peer.token else {}
        try:
            async with self._session.request(
                method, peer.url.rstrip("/") + path, params=query, json=body, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise NoAnswer("status", f"HTTP {answer.status}")
                content = bytearray()
                async for part in answer.content.iter_any():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise NoAnswer("garbage", "答复过长")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer("connection", f"{type(error).__name__}") from error  # its text may hold the token
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise NoAnswer("garbage", "答复不是 JSON") from error


class RasaEngine:
    """`domain.understanding.Engine` over a Rasa server, with another engine beside it that answers when Rasa cannot."""

    name = "rasa"

    def __init__(
        self,
        helper: Engine,
        tree: CategoryTree,
        settings: RasaSettings,
        session: aiohttp.ClientSession,
        peer: Callable[[], Peer | None],
        calibration_of: Callable[[str], Calibration],
    ) -> None:
        """`helper`: finds everything but the category, and the category too when Rasa cannot; `peer`: the server to ask
        now, None while there is none; `calibration_of`: makes a model version's probabilities honest."""
        self._helper = helper
        self._tree = tree
        self._settings = settings
        self._client = RasaClient(session)
        self._peer = peer
        self._calibration_of = calibration_of
        self._breaker = Breaker()
        self._free = asyncio.Semaphore(settings.connections)
        self._codes = list(tree.leaves)
        self._place_of = {code: at for at, code in enumerate(self._codes)}
        self._counts: Counter[str] = Counter()
        self._version = ""

    @property
    def version(self) -> str:
        """The version of the Rasa model that spoke last; empty before it spoke."""
        return self._version

    @property
    def counts(self) -> Mapping[str, int]:
        """Texts since the start, by who answered and why: `rasa`, or the embedded engine because of `starting` (no
        server yet), `waiting` (Rasa is left alone after failures), `busy`, `timeout`, `connection`, `status`,
        `garbage`, `empty` (nothing readable in the text)."""
        return dict(self._counts)

    @property
    def is_answering(self) -> bool:
        """Whether a text that came now would be Rasa's."""
        return self._peer() is not None and self._breaker.is_closed

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """One `Understanding` for each text, in order. Never raises for a text; takes no longer than the time limit
        and the embedded engine's own time. `engine` and `version` say who spoke."""
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_seconds
        asking = asyncio.gather(*(self._rank(text, deadline) for text, _ in texts))
        found, rankings = await asyncio.gather(self._helper.understand(texts), asking)
        answers = []
        for one, ranking, (_, evidence) in zip(found, rankings, texts, strict=True):
            if isinstance(ranking, Ranking):
                self._counts[self.name] += 1
                answers.append(self._joined(one, ranking, evidence))
            else:
                self._counts[ranking] += 1
                answers.append(one)
        return answers

    async def _rank(self, text: str, deadline: float) -> Ranking | str:
        """Rasa's ranking of a text, or why it could not be had by the deadline."""
        shown = text_for_rasa(text, self._settings.longest_text)
        if not shown:
            return "empty"
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            return "busy"
        try:
            return await self._ask(shown, deadline)
        finally:
            self._free.release()

    async def _ask(self, shown: str, deadline: float) -> Ranking | str:
        peer = self._peer()
        if peer is None:
            return "starting"
        was_closed = self._breaker.is_closed
        if not self._breaker.admits():
            return "waiting"
        if not was_closed:
            self._client.forget_version()
        begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                ranking = await self._client.rank(peer, shown)
        except TimeoutError:
            if deadline - begin < _FAIR_SHARE * self._settings.timeout_seconds:
                self._breaker.unclear()
                return "busy"
            return self._failed("timeout", "")
        except NoAnswer as error:
            return self._failed(error.reason, str(error))
        except asyncio.CancelledError:
            self._breaker.unclear()
            raise
        if not any(code in self._place_of for code, _ in ranking.intents):
            return self._failed("garbage", "模型的类别不是事项分类表中的事项")
        self._breaker.succeeded()
        self._version = ranking.version
        if not was_closed:
            log.info("rasa answers again", version=ranking.version)
        return ranking

    def _failed(self, reason: str, detail: str) -> str:
        if self._breaker.is_closed:
            log.warning("rasa does not answer, the embedded engine does", reason=reason, detail=detail)
        self._breaker.failed()
        return reason

    def _joined(self, found: Understanding, ranking: Ranking, evidence: Evidence) -> Understanding:
        """What the embedded engine found, with Rasa's category in it."""
        probabilities = self._probabilities(ranking, evidence)
        best = np.argsort(-probabilities, kind="stable")[: RUNNERS_UP + 1].tolist()
        first, *others = (
            Guess(self._codes[at], self._tree.leaves[self._codes[at]].name, float(probabilities[at])) for at in best
        )
        return replace(
            found,
            engine=self.name,
            version=ranking.version,
            category=first,
            runners_up=tuple(others),
            confidence=first.confidence,
            # the embedded engine's words tell why it chose its own category
            words=found.words if found.category.code == first.code else (),
        )

    def _probabilities(self, ranking: Ranking, evidence: Evidence) -> Doubles:
        """(leaves,) calibrated probabilities, the platform's codes weighed in. What Rasa does not rank shares the rest."""
        codes = self._codes
        scores = log_probabilities(ranking, self._place_of)[None]
        weighed: Doubles = np.log(self._calibration_of(ranking.version).probabilities(scores) + _LEAST)
        for code in evidence.codes[:MOST_CODES]:
            meant = [self._place_of[leaf.code] for leaf in self._tree.answering_to(code.scheme, code.code)]
            weighed[0, meant] += bonus_of_code(len(meant), len(codes))
        probabilities: Doubles = softmax(weighed)[0]
        return probabilities


def log_probabilities(ranking: Ranking, place_of: Mapping[str, int]) -> Doubles:
    """(labels,) logarithms of Rasa's probabilities, in the places that `place_of` gives to the labels.

    Rasa ranks its best intents only: the labels it leaves out share what is left.
    """
    known = {place_of[name]: value for name, value in ranking.intents if name in place_of}
    rest = max(1.0 - sum(known.values()), 0.0) / max(len(place_of) - len(known), 1)
    found = np.full(len(place_of), max(rest, _LEAST))
    found[list(known)] = [max(value, _LEAST) for value in known.values()]
    logarithms: Doubles = np.log(found)
    return logarithms


def _version_in(status: Any) -> str:
    """The model's name in an answer to `/status`. Raises NoAnswer."""
    file = status.get("model_file") if isinstance(status, dict) else None
    if not isinstance(file, str) or not file:
        raise NoAnswer("garbage", "答复中没有 model_file")
    return PurePosixPath(file).name.removesuffix(".tar.gz")[:100]


def _ranking_in(parsed: Any) -> tuple[tuple[str, float], ...]:
    """The intents in an answer to `/model/parse`, best first. Raises NoAnswer."""
    entries = parsed.get("intent_ranking") if isinstance(parsed, dict) else None
    if not isinstance(entries, list) or not entries:
        raise NoAnswer("garbage", "答复中没有 intent_ranking")
    found: dict[str, float] = {}
    for entry in entries:
        name, value = (entry.get("name"), entry.get("confidence")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, int | float) or not 0 <= value <= 1 + _ROUNDING:
            raise NoAnswer("garbage", "intent_ranking 中有不可用的项")
        found.setdefault(name, float(value))
    return tuple(sorted(found.items(), key=lambda one: -one[1]))
