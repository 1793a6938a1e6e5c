"""`intake-bot nlu`: train the model, measure it, ask it why, list its versions and go back to an older one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from domain.category import CategoryTree
from domain.complaint import KIND_NAMES
from domain.understanding import Evidence
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.engines import build_engine
from intake_bot.house import open_store
from intake_bot.learning import corrected_rows
from intake_bot.settings import Deployment
from nlu.data import UnusableData, read_rows
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.model import Model
from nlu.evaluation import (
    Line,
    compare_on_labels,
    curve_table,
    judge,
    judge_engine,
    label_of_leaf,
    per_label_table,
    split,
    split_alone,
    table,
    without_kind_words,
)
from nlu.models import ModelShelf, UnreadableModel
from nlu.rasa.measuring import compare_rasa
from nlu.training import Row, WorseModel, compare, corpus_rows, leaf_words, train_and_switch

app = typer.Typer(help="读懂诉求的模型", no_args_is_help=True)

File = Annotated[Path | None, typer.Option("--data", metavar="FILE", help="自己的标注数据：.csv、.xlsx、.xls、.jsonl")]
Text = Annotated[list[str] | None, typer.Option("--text", metavar="COL", help="内容列；可写两次，先标题后内容")]
Label = Annotated[str, typer.Option("--label", metavar="COL", help="类别列：事项代码，或本单位自己的类别")]
Kind = Annotated[str, typer.Option("--kind", metavar="COL", help="诉求类型列")]


@app.command("train")
def train(
    data: File = None,
    text: Text = None,
    label: Label = "",
    kind: Kind = "",
    force: Annotated[bool, typer.Option("--force", help="新模型不如现用的也启用")] = False,
) -> None:
    """用自带语料、人工纠正和自己的标注数据训练新模型，报告交叉验证的结果；不如现用的不启用。"""
    deployment, tree = deployment_and_tree()
    own = _own_rows(data, text, label, kind)
    foreign = sorted({row.label for row in own if row.label and tree.get(row.label) is None})
    if foreign:
        # Labels of another scheme make a model of their own: it judges that scheme, it does not route tickets.
        shelf = _own_labels(deployment)
        console.print(f"数据使用自己的类别（{'、'.join(foreign[:5])}…），单独训练，不影响派单。", markup=False)
        _switch(shelf, own, frozenset(), [], force=force)
        return
    shelf = ModelShelf(deployment.path(deployment.settings.nlu.model_dir))

    async def corrections() -> list[Row]:
        async with open_store(deployment) as store:
            return await corrected_rows(store, tree)

    corrected = run(corrections())
    console.print(f"除自带语料外，人工纠正 {len(corrected)} 条，自己的数据 {len(own)} 条。", markup=False)
    _switch(shelf, corpus_rows(tree), leaf_words(tree), [*corrected, *own], force=force)


def _switch(shelf: ModelShelf, base: list[Row], words: frozenset[str], additional: list[Row], *, force: bool) -> None:
    try:
        model, comparison = train_and_switch(shelf, base, words, additional, force=force)
    except WorseModel as error:
        fail(str(error))
    except ValueError as error:
        fail(str(error), code=2)
    console.print(_report(model))
    if comparison is not None:
        ground = f"同样的 {comparison.texts} 条" if comparison.texts else "各自的交叉验证"
        console.print(
            f"与前一版本相比（{ground}）：准确率 {comparison.before:.4f} → {comparison.after:.4f}", markup=False
        )
    console.print(f"已启用 {model.version}。", markup=False)


def _report(model: Model) -> Table:
    shown = Table(title=f"模型 {model.version} 的交叉验证")
    for heading in ("", "条数", "准确率", "宏平均 F1", "校准误差", "95% 准确的置信度", "覆盖率"):
        shown.add_column(heading)
    for name, part in (("事项", "category"), ("诉求类型", "kind")):
        if model.report.get(part):
            one = model.report[part]
            shown.add_row(
                name,
                str(one["rows"]),
                f"{one['accuracy']:.4f}",
                f"{one['macro_f1']:.4f}",
                f"{one['calibration_error']:.4f}",
                f"{one['threshold']:.3f}",
                f"{one['coverage']:.3f}",
            )
    return shown


@app.command("evaluate")
def evaluate(
    data: File = None,
    text: Text = None,
    label: Label = "",
    kind: Kind = "",
    test: Annotated[Path | None, typer.Option("--test", help="另外的测试数据；不写则从 --data 中留出四分之一")] = None,
    test_text: Annotated[list[str] | None, typer.Option("--test-text", help="测试数据的内容列；不写同 --text")] = None,
    test_label: Annotated[str, typer.Option("--test-label", help="测试数据的类别列；不写同 --label")] = "",
    rasa: Annotated[
        bool, typer.Option("--rasa", help="也训练并评测 Rasa（须先运行 make rasa-environment，需要数分钟）")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", help="把结果也写成 Markdown 文件")] = None,
) -> None:
    """评测：随程序发布的模型在语料上（一两分钟），或有 --data 时在自己的数据上，都与几种基线相比。"""
    deployment, tree = deployment_and_tree()
    engine = build_engine(deployment, tree)
    parts = [f"## 模型 {engine.version}\n"]
    if data is None:
        parts.append(_of_shipped(engine))
        lines = run(_compared(*split_alone(corpus_rows(tree)), rasa=rasa))
        parts.append(table("事项，用四分之三的语料训练，用其余与别的文本没有相同段落的测试", lines))
    else:
        own = _own_rows(data, text, label, kind)
        tests = _own_rows(test, test_text or text, test_label or label, kind)
        parts += run(_of_data(engine, _own_model(deployment), tree, own, tests, rasa=rasa))
    result = "\n".join(parts)
    console.print(result, markup=False)
    if output is not None:
        output.write_text(result, encoding="utf-8")


def _of_shipped(engine: EmbeddedEngine) -> str:
    """What cross-validation on the corpus said when the model was trained, and accuracy against coverage."""
    report = engine.model.report
    parts = (
        ("事项（与其他语料没有相同段落的）", report["category"]),
        ("事项（全部语料）", report["category"]["all_rows"]),
        ("诉求类型", report["kind"]),
    )
    lines = ["| | 条数 | 准确率 | 宏平均 F1 | 校准误差 | 95% 准确的置信度 | 覆盖率 |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {one['rows']} | {one['accuracy']:.4f} | {one['macro_f1']:.4f} | {one['calibration_error']:.4f} "
        f"| {one['threshold']:.3f} | {one['coverage']:.3f} |"
        for name, one in parts
    ]
    for name, one in parts[:2]:
        lines += ["", f"### 准确率与覆盖率：{name}", "", "| 覆盖率 | 准确率 | 置信度下限 |", "|---|---|---|"]
        lines += [f"| {coverage:.2f} | {right:.4f} | {least:.3f} |" for coverage, right, least in one["curve"]]
        lines += ["", "| 派单门槛（router.threshold） | 自动派单的占比 | 其中正确的 |", "|---|---|---|"]
        lines += [f"| {least:.2f} | {coverage:.3f} | {right:.4f} |" for least, coverage, right in one["by_confidence"]]
    return "\n".join(lines) + "\n"


def _own_labels(deployment: Deployment) -> ModelShelf:
    """Where models of other schemes' labels stand."""
    return ModelShelf(deployment.path(deployment.settings.nlu.model_dir) / "own-labels")


def _own_model(deployment: Deployment) -> Model | None:
    """The model that `train --data` made of the user's own labels; None where there is none."""
    shelf = _own_labels(deployment)
    version = shelf.current()
    return shelf.load(version) if version is not None else None


async def _of_data(
    engine: EmbeddedEngine, own_model: Model | None, tree: CategoryTree, own: list[Row], tests: list[Row], *, rasa: bool
) -> list[str]:
    parts = []
    judged = tests or own
    if any(row.kind for row in judged):
        bare = [replace(row, text=without_kind_words(row.text)) for row in judged]
        line = await judge_engine("内置引擎", engine, bare, of_kind=True)
        parts += [table("诉求类型，未用这批数据训练，正文已去掉类型字样", [line]), per_label_table(line)]
    labels = {row.label for row in judged if row.label}
    if not labels:
        return parts
    ours = all(tree.get(one) is not None for one in labels)
    mapping = None if ours else label_of_leaf(tree)
    if mapping is None or labels & set(mapping.values()):
        line = await judge_engine("内置引擎", engine, judged, of_kind=False, mapping=mapping)
        parts += [table("事项，未用这批数据训练", [line]), per_label_table(line), curve_table(line.measured)]
    if own_model is not None and labels <= set(own_model.labels):
        known = [row for row in judged if row.label]
        texts, truth = [row.text for row in known], [row.label or "" for row in known]
        line = judge(
            f"自有类别模型 {own_model.version}",
            own_model.label_probabilities,
            own_model.labels,
            texts,
            truth,
        )
        parts += [table("事项，自有类别模型（nlu train --data 所得）", [line]), per_label_table(line)]
    training, held_out = (own, tests) if tests else split(own)
    lines = await _compared(training, held_out, rasa=rasa)
    parts += [table("事项，用这批数据训练", lines), per_label_table(lines[-1]), curve_table(lines[-1].measured)]
    return parts


async def _compared(training: list[Row], held_out: list[Row], *, rasa: bool) -> list[Line]:
    """The baselines, Rasa if wanted, and the embedded engine, trained on the same rows and judged on the same others."""
    lines = compare_on_labels(training, held_out)
    if rasa:
        line = await compare_rasa(training, held_out)
        if line is None:
            fail("Rasa 的环境尚未建立，请先运行 make rasa-environment")
        lines.insert(-1, line)
    return lines


@app.command("explain")
def explain(text: Annotated[str, typer.Argument(metavar="TEXT", help="一段诉求")]) -> None:
    """说明模型怎样理解一段诉求、依据是哪些词。"""
    deployment, tree = deployment_and_tree()
    engine = build_engine(deployment, tree)
    found = engine.understand_now([(text, Evidence(received_at=datetime.now(UTC)))])[0]
    shown = Table(show_header=False, box=None)
    shown.add_row("类型", f"{KIND_NAMES[found.kind]}（置信度 {found.kind_confidence:.2f}）")
    for name, guess in (("事项", found.category), *(("备选", one) for one in found.runners_up)):
        shown.add_row(name, f"{guess.code} {guess.name}（{guess.confidence:.2f}）")
    shown.add_row("依据", "、".join(f"{word.text} {word.weight:+.2f}" for word in found.words) or "无")
    shown.add_row("地名", "、".join(found.places) or "无")
    shown.add_row("时间", "、".join(f"{one.text}（{one.start:%Y-%m-%d %H:%M}）" for one in found.times) or "无")
    shown.add_row("被反映对象", "、".join(one.text for one in found.parties) or "无")
    shown.add_row("风险", "、".join(found.risks) or "无")
    if found.matters:
        shown.add_row("几件事", "；".join(f"{one.category.name}：{one.text}" for one in found.matters))
    console.print(shown)
    console.print(f"模型：{found.engine}/{found.version}", markup=False)


@app.command("models")
def models(
    use: Annotated[str, typer.Option("--use", metavar="VERSION", help="改用这个版本（回退）")] = "",
) -> None:
    """列出各版本并比较；--use 改用另一个版本，运行中的服务随即采用。"""
    deployment, _ = deployment_and_tree()
    shelf = ModelShelf(deployment.path(deployment.settings.nlu.model_dir))
    try:
        if use:
            shelf.make_current(use)
            console.print(f"已改用 {use}。", markup=False)
        _list(shelf)
    except UnreadableModel as error:
        fail(str(error), code=2)


def _list(shelf: ModelShelf) -> None:
    current = shelf.current()
    loaded: dict[str, Model] = {}
    unusable: dict[str, str] = {}
    for version in shelf.versions():
        try:
            loaded[version] = shelf.load(version)
        except UnreadableModel as error:  # of an older format, or damaged: the others can be used all the same
            unusable[version] = str(error)
    shown = Table(title="模型版本")
    for heading in ("", "版本", "语料条数", "准确率", "宏平均 F1", "与现用版本相比"):
        shown.add_column(heading, no_wrap=heading == "版本")
    for version, model in loaded.items():
        beside = ""
        if current in loaded and version != current:
            against = compare(loaded[current], model)
            beside = f"{against.after - against.before:+.4f}（同样的 {against.texts} 条）"
        measured = model.report["category"]
        shown.add_row(
            "现用" if version == current else "",
            version,
            str(model.report["rows"]),
            f"{measured['accuracy']:.4f}",
            f"{measured['macro_f1']:.4f}",
            beside,
        )
    for version, reason in unusable.items():
        shown.add_row("现用" if version == current else "", version, "", "", "", f"不能使用：{reason}")
    console.print(shown)


def _own_rows(data: Path | None, text: list[str] | None, label: str, kind: str) -> list[Row]:
    if data is None:
        return []
    if not text or not (label or kind):
        fail("使用 --data 时请写明 --text（内容列）和 --label（类别列）或 --kind（类型列）", code=2)
    try:
        return read_rows(data, text, label or None, kind or None)
    except UnusableData as error:
        fail(str(error), code=2)
