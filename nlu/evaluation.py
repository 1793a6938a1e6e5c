"""What the engines are worth, in one table: accuracy, calibration, coverage, speed, memory, beside plain baselines.

Measures only; what becomes of a version is decided in `nlu.training`.
"""

from __future__ import annotations

import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from domain.category import CategoryTree
from domain.complaint import KIND_NAMES
from domain.understanding import Engine, Evidence, Understanding
from nlu.calibration import Measured, measure, softmax
from nlu.embedded.features import read
from nlu.embedded.kin import independent
from nlu.embedded.segmentation import build_dictionary
from nlu.training import Row, train

Doubles = npt.NDArray[np.float64]
Predict = Callable[[Sequence[str]], Doubles]

BATCH = 64
TIMED_TEXTS = 200
"""One-by-one speed is measured on so many of the texts."""

ELSEWHERE = "其他"
"""What a label that the mapping does not name counts as: never right."""

_KIND_WORDS = re.compile("|".join(KIND_NAMES.values()))


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `milliseconds`: for one text alone; `per_second`: texts in batches, one core;
    `megabytes`: resident memory of the process after the run; figures that do not apply are None."""

    name: str
    measured: Measured
    calibrated: bool
    milliseconds: float
    per_second: float
    megabytes: float
    training_seconds: float | None = None


def judge(name: str, predict: Predict, labels: Sequence[str], texts: Sequence[str], truth: Sequence[str]) -> Line:
    """A line for anything that gives (texts, labels) probabilities. Labels that it does not know count as wrong."""
    all_labels = [*labels, *sorted(set(truth) - set(labels))]
    place = {label: at for at, label in enumerate(all_labels)}
    begin = time.perf_counter()
    found = [predict(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
    batched = time.perf_counter() - begin
    probabilities = np.zeros((len(texts), len(all_labels)))
    probabilities[:, : len(labels)] = np.vstack(found)
    begin = time.perf_counter()
    for text in texts[:TIMED_TEXTS]:
        predict([text])
    alone = (time.perf_counter() - begin) / min(len(texts), TIMED_TEXTS)
    return Line(
        name=name,
        measured=measure(probabilities, np.array([place[one] for one in truth]), all_labels),
        calibrated=True,
        milliseconds=alone * 1000,
        per_second=len(texts) / batched,
        megabytes=resident_megabytes(),
    )


def compare_on_labels(training: Sequence[Row], tests: Sequence[Row]) -> list[Line]:
    """The embedded model and the baselines, trained on the same rows, judged on the same others, by label."""
    # The command line reaches this module from the service too, which has no use for the baselines' 75 MB.
    import jieba  # noqa: PLC0415

    known = [row for row in training if row.label is not None]
    texts = [row.text for row in tests if row.label is not None]
    truth = [row.label for row in tests if row.label is not None]
    lines = [_majority(known, texts, truth)]
    for name, analyser in (("TF-IDF 字符＋线性 SVM", None), ("jieba 词＋线性 SVM", jieba.lcut)):
        lines.append(_support_vectors(name, analyser, known, texts, truth))
    begin = time.perf_counter()
    model = train(known)
    took = time.perf_counter() - begin
    line = judge("内置引擎", model.label_probabilities, model.labels, texts, truth)
    return [*lines, replace(line, training_seconds=took)]


def _majority(training: Sequence[Row], texts: Sequence[str], truth: Sequence[str]) -> Line:
    most = Counter(row.label or "" for row in training).most_common(1)[0][0]
    line = judge("多数类", lambda some: np.ones((len(some), 1)), [most], texts, truth)
    return replace(line, calibrated=False)


def _support_vectors(
    name: str,
    analyser: Callable[[str], list[str]] | None,
    training: Sequence[Row],
    texts: Sequence[str],
    truth: Sequence[str],
) -> Line:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 (see compare_on_labels)
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    begin = time.perf_counter()
    if analyser is None:
        reader = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    else:
        reader = TfidfVectorizer(analyzer=analyser, sublinear_tf=True, min_df=2)
    machine = LinearSVC(C=0.5, random_state=0)
    machine.fit(reader.fit_transform([row.text for row in training]), [row.label for row in training])
    took = time.perf_counter() - begin

    def predict(some: Sequence[str]) -> Doubles:
        scores = machine.decision_function(reader.transform(some))
        return softmax(scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1))

    line = judge(name, predict, [str(label) for label in machine.classes_], texts, truth)
    return replace(line, calibrated=False, training_seconds=took)


async def judge_engine(
    name: str,
    engine: Engine,
    rows: Sequence[Row],
    *,
    of_kind: bool,
    mapping: Mapping[str, str] | None = None,
) -> Line:
    """A line for a ready engine on rows it has not been trained on: its kinds, or its categories.

    `mapping`: category code → the rows' own label (None: the labels are category codes); what it does not name is
    `ELSEWHERE`. Speed and calibration are those of the whole understanding.
    """
    asked = [row for row in rows if (row.kind if of_kind else row.label) is not None]
    truth = [(row.kind if of_kind else row.label) or "" for row in asked]

    def answer_of(one: Understanding) -> tuple[str, float]:
        if of_kind:
            return str(one.kind), one.kind_confidence
        code = one.category.code
        return (code if mapping is None else mapping.get(code, ELSEWHERE)), one.confidence

    begin = time.perf_counter()
    answers: list[tuple[str, float]] = []
    for at in range(0, len(asked), BATCH):
        found = await engine.understand([(row.text, Evidence()) for row in asked[at : at + BATCH]])
        answers.extend(map(answer_of, found))
    batched = time.perf_counter() - begin
    begin = time.perf_counter()
    for row in asked[:TIMED_TEXTS]:
        await engine.understand([(row.text, Evidence())])
    alone = (time.perf_counter() - begin) / min(len(asked), TIMED_TEXTS)
    labels = sorted(set(truth) | {label for label, _ in answers})
    place = {label: at for at, label in enumerate(labels)}
    probabilities = np.zeros((len(asked), len(labels)))
    for at, (label, confidence) in enumerate(answers):
        probabilities[at, place[label]] = confidence
    return Line(
        name=name,
        measured=measure(probabilities, np.array([place[one] for one in truth]), labels),
        calibrated=True,
        milliseconds=alone * 1000,
        per_second=len(asked) / batched,
        megabytes=resident_megabytes(),
    )


def without_kind_words(title: str) -> str:
    """A title without 咨询、建议、求助、投诉、举报: for judging kinds where the answer stands in the title."""
    return _KIND_WORDS.sub("", title)


@cache
def seven_labels() -> Mapping[str, str]:
    """Group or leaf code → one of the seven labels of the public set of citizens' messages (`seven_labels.yml`)."""
    found: dict[str, str] = {}
    for label, entries in yaml.safe_load(
        Path(__file__).with_name("seven_labels.yml").read_text(encoding="utf-8")
    ).items():
        for entry in entries:
            found[entry] = label
    return found


def label_of_leaf(tree: CategoryTree) -> dict[str, str]:
    """Leaf code → one of the seven labels; a leaf's own entry goes before its group's."""
    table = seven_labels()
    return {
        leaf.code: table[leaf.code] if leaf.code in table else table[leaf.group]
        for leaf in tree.leaves.values()
        if leaf.code in table or leaf.group in table
    }


def split(rows: Sequence[Row], share: float = 0.25, seed: int = 20261124) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows to test on, by chance but the same each time."""
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = round(len(rows) * share)
    return [rows[at] for at in order[cut:]], [rows[at] for at in order[:cut]]


def split_alone(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """As `split`, but only those of the rows to test on that share no passage with another row: the corpus says much twice."""
    training, tests = split([row for row in rows if row.judged])
    alone = independent(read([row.text for row in (*tests, *training)], build_dictionary()))
    return training, [row for row, one in zip(tests, alone, strict=False) if one]


def resident_megabytes() -> float:
    """Memory that this process has resident now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def table(title: str, lines: Sequence[Line]) -> str:
    """A Markdown section of the lines."""
    rows = [
        f"### {title}（{lines[0].measured.rows} 条）" if lines else f"### {title}",
        "",
        "| 方法 | 准确率 | 宏平均 F1 | 校准误差 | 95% 准确时的覆盖率 | 单条毫秒 | 每秒条数（批量） | 内存 MB | 训练秒数 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        found = line.measured
        took = "–" if line.training_seconds is None else f"{line.training_seconds:.1f}"
        honest = f"{found.calibration_error:.3f}" if line.calibrated else "–"
        rows.append(
            f"| {line.name} | {found.accuracy:.3f} | {found.macro_f1:.3f} | {honest} | {found.coverage:.2f} | "
            f"{line.milliseconds:.2f} | {line.per_second:.0f} | {line.megabytes:.0f} | {took} |"
        )
    return "\n".join(rows) + "\n"


def per_label_table(line: Line) -> str:
    """A Markdown table of one line's figures by label."""
    rows = ["| 类别 | 精确率 | 召回率 | F1 | 条数 |", "|---|---|---|---|---|"]
    for label, (precision, recall, both, count) in line.measured.per_label.items():
        rows.append(f"| {label} | {precision:.3f} | {recall:.3f} | {both:.3f} | {count} |")
    return "\n".join(rows) + "\n"


def curve_table(measured: Measured) -> str:
    """A Markdown table of accuracy against coverage."""
    rows = ["| 覆盖率 | 准确率 | 置信度下限 |", "|---|---|---|"]
    rows += [
        f"| {coverage:.2f} | {accuracy:.4f} | {confidence:.3f} |" for coverage, accuracy, confidence in measured.curve
    ]
    rows.append(f"| {measured.coverage:.2f} | ≥ 0.95 | {measured.threshold:.3f} |")
    return "\n".join(rows) + "\n"
