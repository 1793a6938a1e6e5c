"""What the shipped model and the method are worth on real texts: floors a little below what was measured.

The real data lies beside the project and never in it; without it these tests are skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from domain.category import CategoryTree
from domain.complaint import KIND_NAMES, Code, Kind
from domain.understanding import Evidence
from nlu.categories import load_categories
from nlu.embedded.engine import EmbeddedEngine
from nlu.evaluation import judge, judge_engine, label_of_leaf, without_kind_words
from nlu.findings import Finder
from nlu.training import Row, ensure_model, train

ROOT = Path(__file__).parents[2]
DATA = ROOT / "../shared/data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder shared/data beside the project is not there")
PAIR = 2


def table(name: str) -> list[Mapping[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tree() -> CategoryTree:
    return load_categories()


@pytest.fixture(scope="module")
def shipped(tree: CategoryTree) -> EmbeddedEngine:
    """Trained once for today's corpus and code, then kept for the next run."""
    model = ensure_model(ROOT / "var" / "test-models", tree)
    return EmbeddedEngine(model, tree, frozenset({"恬庄", "凤凰镇"}))


class TestShipped:
    def test_its_confidences_are_honest_on_texts_without_kin(self, shipped: EmbeddedEngine) -> None:
        category, kind = shipped.model.report["category"], shipped.model.report["kind"]
        assert category["rows"] > 1_000
        assert category["calibration_error"] < 0.05
        assert kind["calibration_error"] < 0.05
        assert category["accuracy"] > 0.6
        assert category["all_rows"]["accuracy"] > 0.84
        assert kind["accuracy"] > 0.8

    def test_the_default_threshold_is_where_95_in_100_of_what_is_routed_are_right(
        self, shipped: EmbeddedEngine
    ) -> None:
        config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
        measured = shipped.model.report["category"]["all_rows"]["threshold"]
        assert measured <= config["router"]["threshold"] < measured + 0.02

    @pytest.mark.parametrize(
        ("text", "code", "leaf"),
        [
            ("恬庄路与人民路交叉口东侧人行道，有流动摊贩占道经营，影响通行", "09006", "C0101"),
            ("请处理", "09006", "C0101"),
            ("", "09006", "C0101"),
        ],
    )
    def test_an_item_code_in_line_with_the_text_is_followed(
        self, shipped: EmbeddedEngine, text: str, code: str, leaf: str
    ) -> None:
        found = shipped.understand_now([(text, Evidence(codes=(Code("gbt47678.5", "2026", code),)))])[0]
        assert found.category.code == leaf
        assert found.confidence > 0.8

    def test_a_text_that_clearly_says_otherwise_wins_over_the_code(self, shipped: EmbeddedEngine) -> None:
        stalls = Code("gbt47678.5", "2026", "09006")
        text = "高庄村路口的路灯坏了半个月，晚上漆黑一片，路灯一直不亮，请派人修路灯"
        found = shipped.understand_now([(text, Evidence(codes=(stalls,)))])[0]
        assert found.category.code == "J0402"

    @pytest.mark.parametrize(
        "wish", ["请为举报人保密", "要求对举报人信息保密", "请不要泄露我的电话", "请保密，怕被报复"]
    )
    @pytest.mark.parametrize(
        ("text", "leaf"),
        [
            ("双龙村家具厂夜里偷排废气", "E0101"),
            ("恬庄老街烧烤店油烟很大", "C0705"),
            ("湖滨苑有人违建阳光房", "J0101"),
        ],
    )
    def test_a_wish_for_secrecy_is_not_what_a_text_is_about(
        self, shipped: EmbeddedEngine, text: str, leaf: str, wish: str
    ) -> None:
        """Or the unit that watches over our own officers would get what somebody reports in confidence."""
        assert shipped.understand_now([(f"{text}，{wish}", Evidence())])[0].category.code == leaf

    @pytest.mark.parametrize(
        ("text", "leaf"),
        [
            ("真是太好了，楼下烧烤店天天给我家送油烟，感谢贴心服务", "C0705"),
            ("真厉害，小区门口的摊贩比菜场还齐全，行人只能走马路中间", "C0101"),
            ("这哪是夜间施工，这是给全小区放交响乐", "J0301"),
            ("感谢物业，电梯坏了半个月让我天天锻炼身体", "E0510"),
            ("别跟我说摊贩的事，我要说的是路灯不亮", "J0402"),
        ],
    )
    def test_sarcasm_is_a_complaint_about_its_matter_and_what_is_set_aside_is_not(
        self, shipped: EmbeddedEngine, text: str, leaf: str
    ) -> None:
        found = shipped.understand_now([(text, Evidence())])[0]
        assert (found.kind, found.category.code) == (Kind.COMPLAINT, leaf)

    def test_a_number_is_never_named_as_what_decided(self, shipped: EmbeddedEngine) -> None:
        """What decided is kept for ever with the ticket and told to others."""
        text = "凤凰大道有人摆摊，打13800000000没人接，身份证320582190001010000，车牌苏E00000"
        words = shipped.understand_now([(text, Evidence())])[0].words
        assert words and not any(char.isdigit() for word in words for char in word.text if len(word.text) > 6)


@needs_data
async def test_kinds_of_a_citys_hotline_without_training_on_it(shipped: EmbeddedEngine) -> None:
    words = {name: str(kind) for kind, name in KIND_NAMES.items()}
    rows = [
        Row(f"{without_kind_words(one['title'])}。{one['content']}", None, words[one["kind"]])
        for one in table("fuzhou_12345.csv")
    ]
    line = await judge_engine("embedded", shipped, rows, of_kind=True)
    assert line.measured.accuracy > 0.82
    assert line.measured.per_label["consultation"][PAIR] > 0.55
    assert line.measured.per_label["suggestion"][PAIR] > 0.2


@needs_data
async def test_categories_of_citizens_messages_without_training_on_them(
    shipped: EmbeddedEngine, tree: CategoryTree
) -> None:
    rows = [Row(f"{one['title']}。{one['content']}", one["category"]) for one in table("messages_labelled_raw.csv")]
    line = await judge_engine("embedded", shipped, rows, of_kind=False, mapping=label_of_leaf(tree))
    assert line.measured.accuracy > 0.64


@needs_data
def test_categories_trained_on_the_users_own_labelled_rows() -> None:
    model = train([Row(one["seg"], one["label"]) for one in table("messages_labelled_tokens.csv")])
    rows = [one for one in table("messages_labelled_raw.csv") if one["matched"] == "True"]
    line = judge(
        "embedded",
        model.label_probabilities,
        model.labels,
        [f"{one['title']}。{one['content']}" for one in rows],
        [one["category"] for one in rows],
    )
    assert line.measured.macro_f1 > 0.895
    assert line.measured.calibration_error < 0.06


@needs_data
def test_roads_and_communities_of_real_addresses_are_found() -> None:
    finder, found, asked = Finder([]), {"road": 0, "community": 0}, {"road": 0, "community": 0}
    addresses = (DATA / "address_parsing" / "dev.txt").read_text(encoding="utf-8").strip().split("\n\n")
    for address in addresses[:1500]:
        tags = [line.rsplit(" ", 1) for line in address.splitlines()]
        text = "".join(characters for characters, _ in tags)
        places = finder.find([(f"市民反映{text}门口有人乱倒垃圾", Evidence())])[0].places
        for wanted in found:
            span = "".join(characters for characters, tag in tags if tag.endswith(f"-{wanted}"))
            if span:
                asked[wanted] += 1
                found[wanted] += any(place.startswith(span) for place in places)
    assert found["road"] / asked["road"] > 0.8
    assert found["community"] / asked["community"] > 0.7
