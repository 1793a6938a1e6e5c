"""Labelled rows → a trained Rasa model file: writes what Rasa reads, runs `rasa train nlu`, bounded in time and threads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domain.category import CategoryTree
from nlu.corpus import CORPUS_FOLDER
from nlu.folding import HEAD_CHARACTERS, fold_text
from nlu.rasa.installation import CONFIG, ENVIRONMENT, bounded_environment, python_of
from nlu.training import Row

LONGEST_TEXT = 600
"""Characters of a text that Rasa is shown, in training and in use."""

LONGEST_TRAINING = 3_600.0
"""Seconds after which a training is ended: it has gone wrong."""

WORK_PREFIX = "rasa-training-"
"""Folders in which a training is under way begin so."""

_LONGEST_WORD = 12
_NOT_A_WORD = re.compile(r"[\s\W_]")


class TrainingFailed(Exception):
    """Rasa did not train; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model file, and what it took: seconds on the clock, megabytes at the most."""

    file: Path
    seconds: float
    megabytes: float


def text_for_rasa(text: str, longest: int = LONGEST_TEXT) -> str:
    """What Rasa is shown of a text: its head, folded as for the embedded engine, words apart by single spaces.

    Takes any string; control characters and lone surrogates do not get through. Empty when nothing readable is left.
    """
    return " ".join(fold_text(text[: min(longest, HEAD_CHARACTERS)]).split())


def dictionary_words(tree: CategoryTree) -> list[str]:
    """Words that jieba's dictionary may lack: the corpus's places, and the aliases of the leaves."""
    places: Any = yaml.safe_load((CORPUS_FOLDER / "material" / "places.yml").read_text(encoding="utf-8"))
    found = {word for words in places.values() for word in words}
    found |= {word for leaf in tree.leaves.values() for word in (leaf.name, *leaf.aliases)}
    folded = {fold_text(word) for word in found}
    return sorted(word for word in folded if 2 <= len(word) <= _LONGEST_WORD and not _NOT_A_WORD.search(word))


async def train_model(
    rows: Sequence[Row],
    words: Iterable[str],
    file: Path,
    *,
    longest_text: int = LONGEST_TEXT,
    environment: Path = ENVIRONMENT,
) -> Trained:
    """Train on the labels of the rows and put the model at `file` (a .tar.gz); whole or not at all.

    `words`: for the dictionary of Rasa's JiebaTokenizer. Takes minutes; cancelled, it ends Rasa. Raises TrainingFailed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=file.parent) as name:
        folder = Path(name)
        _write(folder, rows, words, longest_text)
        begin = time.perf_counter()
        megabytes = await _run(folder, environment)
        took = time.perf_counter() - begin
        made = folder / "made" / "model.tar.gz"
        if not made.exists():
            raise TrainingFailed("Rasa 没有写出模型：\n" + _last_lines(folder))
        made.replace(file)
    return Trained(file, took, megabytes)


def _write(folder: Path, rows: Sequence[Row], words: Iterable[str], longest_text: int) -> None:
    """JSON, not YAML: Rasa reads thirteen thousand texts of it in a second, and takes no `[` in them for an entity."""
    examples = [
        {"text": text, "intent": row.label, "entities": []}
        for row in rows
        if row.label is not None and (text := text_for_rasa(row.text, longest_text))
    ]
    data = {"rasa_nlu_data": {"common_examples": examples}}
    (folder / "nlu.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    (folder / "dictionary").mkdir()
    (folder / "dictionary" / "words.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    shutil.copy(CONFIG, folder / "config.yml")


async def _run(folder: Path, environment: Path) -> float:
    """Run Rasa's own command in the folder; the most memory it had, in megabytes."""
    command = [str(python_of(environment)), "-m", "rasa", "train", "nlu", "--nlu", "nlu.json", "--config", "config.yml"]
    command += ["--out", "made", "--fixed-model-name", "model"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 (our own command; wait4 tells its memory)
            command,
            cwd=folder,
            env={**bounded_environment(folder), "RASA_MAX_CACHE_SIZE": "0"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _ended_with_us(process):
            deadline = time.monotonic() + LONGEST_TRAINING
            while True:
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)  # noqa: ASYNC222 (returns at once)
                if ended:
                    break
                if time.monotonic() > deadline:
                    raise TrainingFailed(f"训练超过 {LONGEST_TRAINING / 60:.0f} 分钟，已停止")
                await asyncio.sleep(0.1)
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise TrainingFailed(f"Rasa 训练失败（{process.returncode}）：\n{_last_lines(folder)}")
    return usage.ru_maxrss / 1000


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens here (Ctrl-C, a time limit), Rasa does not go on alone."""
    try:
        yield
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_lines(folder: Path) -> str:
    said = (folder / "said").read_text(encoding="utf-8", errors="replace")
    return "\n".join(said.strip().splitlines()[-15:])
