"""`python -m nlu.rasa.build`: makes Rasa's environment and a trained, measured, calibrated model; quick when nothing changed.

`--environment`: the environment alone. Exit codes: 0 done, 1 failed, 3 there is no Python 3.10.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nlu.calibration import Calibration, cross_fitted, measure
from nlu.categories import load_categories
from nlu.embedded.features import read
from nlu.embedded.kin import independent
from nlu.embedded.segmentation import build_dictionary
from nlu.evaluation import split
from nlu.rasa.installation import CONFIG, REQUIREMENTS, InstallationFailed, NoPython, install
from nlu.rasa.measuring import ask_model
from nlu.rasa.shelf import RasaShelf, Record
from nlu.rasa.training import WORK_PREFIX, TrainingFailed, dictionary_words, train_model
from nlu.training import FEWEST_WITNESSES, Row, corpus_rows

NO_PYTHON = 3
_CODE = ("training.py", "build.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m nlu.rasa.build", description="建立 Rasa 环境并训练模型")
    parser.add_argument("--environment", action="store_true", help="只建立环境，不训练")
    chosen = parser.parse_args(arguments)
    try:
        install(say)
        if not chosen.environment:
            shelf = RasaShelf()
            with shelf.alone():
                asyncio.run(build(shelf))
    except NoPython as error:
        say(str(error))
        return NO_PYTHON
    except (InstallationFailed, TrainingFailed) as error:
        say(str(error))
        return 1
    return 0


async def build(shelf: RasaShelf) -> None:
    """Train and put to use what today's corpus, tree and pipeline give, unless that is in use already.

    A first model learns three quarters of the corpus and is asked the rest: from that come the figures and the
    calibration of the second one, which learns everything. Raises TrainingFailed.
    """
    tree = load_categories()
    rows, words = corpus_rows(tree), dictionary_words(tree)
    wanted = fingerprint(rows, words)
    version = shelf.current()
    record = shelf.record(version) if version is not None else None
    if record is not None and record.fingerprint == wanted:
        say(f"Rasa 模型 {version} 已是最新")
        return
    calibration, report = await _try_out(rows, words, shelf.folder)
    say(f"用全部 {len(rows)} 条训练")
    version = f"{datetime.now(UTC):%Y-%m-%d}-{wanted[:8]}"
    trained = await train_model(rows, words, shelf.file(version))
    cost = {"training_seconds": round(trained.seconds, 1), "training_megabytes": round(trained.megabytes)}
    shelf.add(version, Record(wanted, calibration, {"rows": len(rows), **report, **cost}))
    say(f"Rasa 模型 {version} 已启用（训练 {trained.seconds:.0f} 秒，内存 {trained.megabytes:.0f} MB）")


async def _try_out(rows: Sequence[Row], words: Sequence[str], folder: Path) -> tuple[Calibration, dict[str, Any]]:
    """The calibration, and the report of a model that has seen three quarters of the rows on the others.

    A corpus that was composed from sentences flatters: so calibration and figures come from the texts that share no
    passage with others, where there are enough of them; the figures of all stand beside.
    """
    labels = sorted({row.label or "" for row in rows})
    learned, held_out = split([row for row in rows if row.judged])
    learned += [row for row in rows if not row.judged]
    say(f"用 {len(learned)} 条训练 Rasa 模型，留出 {len(held_out)} 条测试")
    with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=folder) as name:
        file = Path(name) / "trial.tar.gz"
        trained = await train_model(learned, words, file)
        say(f"用时 {trained.seconds:.0f} 秒，内存 {trained.megabytes:.0f} MB；正在测试")
        asked = await ask_model(file, [row.text for row in held_out], labels)
    checked = independent(read([row.text for row in (*held_out, *learned)], build_dictionary()))[: len(held_out)]
    if checked.sum() < FEWEST_WITNESSES:
        checked = np.ones(len(held_out), dtype=bool)
    truth = np.array([labels.index(row.label or "") for row in held_out], dtype=np.int64)
    category = measure(cross_fitted(asked.scores[checked], truth[checked]), truth[checked], labels).as_report()
    calibration = Calibration.fit(asked.scores[checked], truth[checked])
    everything = measure(calibration.probabilities(asked.scores), truth, labels).as_report()
    del everything["per_label"]
    for name, one in (("其中与别的文本没有雷同语句的", category), ("留出的全部", everything)):
        say(
            f"{name} {one['rows']} 条：准确率 {one['accuracy']:.3f}，宏平均 F1 {one['macro_f1']:.3f}，"
            f"校准误差 {one['calibration_error']:.3f}，95% 准确时的覆盖率 {one['coverage']:.2f}"
        )
    say(f"单条 {asked.milliseconds:.1f} 毫秒，每秒 {asked.per_second:.0f} 条，服务进程内存 {asked.megabytes:.0f} MB")
    return calibration, {
        "category": {**category, "all_rows": everything},
        "milliseconds": round(asked.milliseconds, 2),
        "per_second": round(asked.per_second, 1),
        "megabytes": round(asked.megabytes),
    }


def fingerprint(rows: Sequence[Row], words: Sequence[str]) -> str:
    """A digest of everything a model depends on."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.text, row.label, row.judged)).encode("utf-8", "surrogatepass"))
    digest.update(repr(list(words)).encode())
    for path in (CONFIG, REQUIREMENTS, *(Path(__file__).with_name(name) for name in _CODE)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def say(text: str) -> None:
    """What is being done, for the person who waits."""
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
