"""What a Rasa model is worth on texts it has not seen: trains, serves and asks it just as the service does."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from nlu.calibration import Doubles, measure
from nlu.evaluation import TIMED_TEXTS, Line
from nlu.rasa.installation import ENVIRONMENT, is_installed
from nlu.rasa.training import LONGEST_TEXT, text_for_rasa, train_model
from nlu.rasa_engine import Ranking, RasaClient, RasaSettings, log_probabilities
from nlu.rasa_server import RasaServer
from nlu.training import Row

NAME = "Rasa 引擎"

LONGEST_ANSWER = 30.0
"""Seconds; a measurement waits longer than the service would."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a served model answered: (texts, labels) log probabilities, and what it cost."""

    scores: Doubles
    milliseconds: float
    per_second: float
    megabytes: float


async def compare_rasa(training: Sequence[Row], tests: Sequence[Row], words: Iterable[str] = ()) -> Line | None:
    """A line of the table: Rasa's pipeline trained on the one rows and judged on the others, by label.

    Confidences are Rasa's own, not calibrated. None when the environment is not installed. Takes minutes. Raises
    TrainingFailed.
    """
    if not is_installed():
        return None
    known = [row for row in training if row.label is not None]
    judged = [row for row in tests if row.label is not None]
    labels = sorted({row.label or "" for row in known} | {row.label or "" for row in judged})
    place_of = {label: at for at, label in enumerate(labels)}
    with tempfile.TemporaryDirectory(prefix="rasa-comparison-") as name:
        file = Path(name) / "comparison.tar.gz"
        trained = await train_model(known, words, file)
        asked = await ask_model(file, [row.text for row in judged], labels)
    return Line(
        name=NAME,
        measured=measure(np.exp(asked.scores), np.array([place_of[row.label or ""] for row in judged]), labels),
        calibrated=True,
        milliseconds=asked.milliseconds,
        per_second=asked.per_second,
        megabytes=asked.megabytes,
        training_seconds=trained.seconds,
    )


async def ask_model(
    file: Path, texts: Sequence[str], labels: Sequence[str], *, environment: Path = ENVIRONMENT
) -> Asked:
    """Serve a model file and ask it all the texts, by as many connections as the service uses, then some one by one."""
    place_of = {label: at for at, label in enumerate(labels)}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LONGEST_ANSWER)) as session:
        server = RasaServer(lambda: file, session, environment)
        server.start()
        try:
            peer = await server.ready()
            client, free = RasaClient(session), asyncio.Semaphore(RasaSettings().connections)

            async def rank(text: str) -> Ranking:
                async with free:
                    return await client.rank(peer, text_for_rasa(text, LONGEST_TEXT))

            await rank(texts[0])
            begin = time.perf_counter()
            rankings = await asyncio.gather(*map(rank, texts))
            together = time.perf_counter() - begin
            some = texts[:TIMED_TEXTS]
            begin = time.perf_counter()
            for text in some:
                await rank(text)
            alone = time.perf_counter() - begin
            megabytes = server.megabytes()
        finally:
            await server.stop()
    return Asked(
        scores=np.stack([log_probabilities(one, place_of) for one in rankings]),
        milliseconds=alone / len(some) * 1000,
        per_second=len(texts) / together,
        megabytes=megabytes,
    )
