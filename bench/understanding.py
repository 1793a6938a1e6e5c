"""What understanding a text costs, as a ratio to `jieba.lcut` of the same text and to Rasa, and what each part of it takes."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import jieba

from domain.understanding import Evidence
from nlu.categories import load_categories
from nlu.corpus import load_corpus
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.reader import Reader
from nlu.embedded.segmentation import grams_of, words_of
from nlu.folding import fold
from nlu.rasa.installation import is_installed
from nlu.rasa.shelf import RasaShelf
from nlu.rasa.training import LONGEST_TEXT, text_for_rasa
from nlu.rasa_engine import RasaClient
from nlu.rasa_server import RasaServer
from nlu.training import ensure_model

One = TypeVar("One")

ROUNDS = 12
SAMPLE = 200
BATCH = 32
ASKED_OF_RASA, RASA_ROUNDS = 40, 5
LENGTHS = ((0, 40), (40, 120), (120, 260), (260, 2000))


def run(model_dir: Path | None = None) -> None:
    """Print the table. Trains the model first where `model_dir` has none that fits."""
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    tree = load_categories()
    places = frozenset({"恬庄", "恬庄村", "凤凰社区", "港口社区", "西张社区", "高庄村", "双塘村"})
    with tempfile.TemporaryDirectory() as scratch:
        engine = EmbeddedEngine(ensure_model(model_dir or Path(scratch), tree), tree, places)
    evidence = Evidence(received_at=datetime(2026, 11, 24, 1, 12, tzinfo=UTC))
    texts = sorted({one.text for one in load_corpus()})
    print("文本长度     条数  平均字数  jieba.lcut  逐条理解   比值  成批理解   比值  每秒(批)")
    for shortest, longest in LENGTHS:
        some = _sample(texts, shortest, longest)
        tokenising = _microseconds(jieba.lcut, some)
        alone = _microseconds(lambda text: engine.understand_now([(text, evidence)]), some)
        batches = [[(text, evidence) for text in some[at : at + BATCH]] for at in range(0, len(some), BATCH)]
        batched = _microseconds(engine.understand_now, batches) * len(batches) / len(some)
        average = sum(map(len, some)) / len(some)
        print(
            f"{shortest:4d}–{longest - 1:<5d}{len(some):8d}{average:9.0f}{tokenising:10.0f} µs"
            f"{alone:8.0f} µs{alone / tokenising:7.2f}{batched:8.0f} µs{batched / tokenising:7.2f}{1e6 / batched:10.0f}"
        )
    _segmentations(engine, texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE])
    if is_installed() and RasaShelf().current() is not None:
        asyncio.run(_against_rasa(engine, evidence, texts))
    else:
        print("\n没有 Rasa 模型（make rasa），不作比较")


def _sample(texts: Sequence[str], shortest: int, longest: int) -> Sequence[str]:
    return [text for text in texts if shortest <= len(text) < longest][:: max(1, len(texts) // 2000)][:SAMPLE]


async def _against_rasa(engine: EmbeddedEngine, evidence: Evidence, texts: Sequence[str]) -> None:
    """The model that `make rasa` built, asked over HTTP as the service asks it, in turn with the embedded engine."""
    async with aiohttp.ClientSession() as session:
        server = RasaServer(RasaShelf().current_file, session)
        server.start()
        try:
            peer, client = await server.ready(), RasaClient(session)
            print("\n文本长度     条数  平均字数      Rasa  逐条理解   比值")
            for shortest, longest in LENGTHS:
                some = _sample(texts, shortest, longest)[:ASKED_OF_RASA]
                ours, theirs = [float("inf")] * len(some), [float("inf")] * len(some)
                for _ in range(RASA_ROUNDS):
                    for at, text in enumerate(some):
                        begin = time.perf_counter()
                        engine.understand_now([(text, evidence)])
                        ours[at] = min(ours[at], time.perf_counter() - begin)
                        begin = time.perf_counter()
                        await client.rank(peer, text_for_rasa(text, LONGEST_TEXT))
                        theirs[at] = min(theirs[at], time.perf_counter() - begin)
                average, mine, other = (sum(one) / len(some) for one in (map(len, some), ours, theirs))
                print(
                    f"{shortest:4d}–{longest - 1:<5d}{len(some):8d}{average:9.0f}{other * 1e6:9.0f} µs"
                    f"{mine * 1e6:8.0f} µs{other / mine:7.1f}"
                )
        finally:
            await server.stop()


def _segmentations(engine: EmbeddedEngine, texts: Sequence[str]) -> None:
    """Cutting into words by itself: jieba's way, ours as training does it, and reading all features as the service does."""
    model = engine.model
    dictionary, reader = model.dictionary, Reader(model.dictionary, model.vocabulary)

    def ours(text: str) -> object:
        points = fold(text)
        return words_of(points, grams_of(points), dictionary)

    print("\n分词方法                 每条")
    for name, work in (
        ("jieba.lcut（含 HMM）", jieba.lcut),
        ("jieba.lcut（不含 HMM）", lambda text: jieba.lcut(text, HMM=False)),
        ("最大匹配（本引擎）", ours),
        ("全部特征（含分词）", lambda text: reader.read([text])),
    ):
        print(f"{name:<20s}{_microseconds(work, texts):8.0f} µs")


def _microseconds(work: Callable[[One], object], inputs: Sequence[One]) -> float:
    """For one input on average, of each the best of several rounds: other work on the machine disturbs it little."""
    best = [float("inf")] * len(inputs)
    for _ in range(ROUNDS):
        for at, one in enumerate(inputs):
            begin = time.perf_counter()
            work(one)
            best[at] = min(best[at], time.perf_counter() - begin)
    return sum(best) / len(inputs) * 1e6


if __name__ == "__main__":
    run()
