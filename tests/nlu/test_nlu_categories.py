"""The shipped category tree is whole, and the loader refuses each mistake by name."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path

import pytest

from domain.complaint import Urgency
from nlu.categories import TREE_FILE, load_categories

DATA = Path(__file__).parents[2] / "../shared/data"

SMALL = """
departments:
  police: {name: 派出所, phone: 110}
branches:
- name: 城市管理
  groups:
  - name: 街面秩序
    leaves:
    - {code: C0101, name: 占道经营, unit: brigade-1, time_class: order, aliases: [摆摊],
       codes: {gbt47678.5: [09006], pollution: [其他]}}
    - {code: X0101, name: 治安, department: police, urgency: urgent, time_class: outside, aliases: [打架],
       codes: {pollution: [其他]}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "categories.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_item_of_both_12319_schemes_has_exactly_one_leaf() -> None:
    tree = load_categories()
    table = csv.DictReader(
        io.StringIO(files("adapters").joinpath("hotline_12319/items.csv").read_text(encoding="utf-8"))
    )
    found = {(row["scheme"], row["code"]): len(tree.answering_to(row["scheme"], row["code"])) for row in table}
    assert len(found) >= 250
    assert {item for item, number in found.items() if number != 1} == set()


def test_no_leaf_answers_to_an_item_that_does_not_exist() -> None:
    table = csv.DictReader(
        io.StringIO(files("adapters").joinpath("hotline_12319/items.csv").read_text(encoding="utf-8"))
    )
    items = {f"{row['scheme']}:{row['code']}" for row in table}
    claimed = {code for leaf in load_categories().leaves.values() for code in leaf.codes if code.startswith("gbt")}
    assert claimed == items


def test_items_of_the_standard_and_names_of_the_12345_classes_are_real() -> None:
    if not DATA.exists():
        pytest.skip("no shared data beside the project")
    tree = load_categories()
    with (DATA / "city_management_items.csv").open(encoding="utf-8") as file:
        codes = [row["code"] for row in csv.DictReader(file)]
    assert len(codes) == 250
    assert all(len(tree.answering_to("gbt47678.5", code)) == 1 for code in codes)
    with (DATA / "message_category_tree.csv").open(encoding="utf-8-sig") as file:
        names = {f"12345:{row['三级分类']}" for row in csv.DictReader(file)}
    claimed = {code for leaf in tree.leaves.values() for code in leaf.codes if code.startswith("12345:")}
    assert claimed <= names


def test_the_tree_is_large_and_every_leaf_is_sound() -> None:
    leaves = load_categories().leaves
    assert len(leaves) >= 120
    units = {"C": "brigade-1", "E": "brigade-2", "J": "brigade-3", "S": "supervision-group", "X": None}
    for leaf in leaves.values():
        assert leaf.unit == units[leaf.code[0]], leaf.code
        assert (leaf.unit is None) == (leaf.department is not None)
        assert leaf.name
        assert leaf.group
        assert leaf.branch
        assert leaf.time_class
        assert leaf.aliases, leaf.code
        if leaf.department:
            assert leaf.department.name
            assert leaf.department.phone.isdigit()
            assert leaf.time_class == "outside"
    assert len({leaf.branch for leaf in leaves.values()}) == 5


@pytest.mark.parametrize(
    ("scheme", "code", "leaf"),
    [
        ("gbt47678.5", "01037", "J0402"),
        ("gbt47678.5", "06027", "C0705"),
        ("gbt47678.5", "08001", "J0301"),
        ("gbt30428.2", "0508", "C0701"),
        ("gbt30428.2", "0401", "J0404"),
    ],
)
def test_codes_with_leading_zeros_lead_to_the_expected_leaf(scheme: str, code: str, leaf: str) -> None:
    assert [one.code for one in load_categories().answering_to(scheme, code)] == [leaf]


def test_noise_is_split_by_source_and_dangers_are_urgent() -> None:
    tree = load_categories()
    noise = {leaf.code for leaf in tree.answering_to("pollution", "噪声")}
    assert {"C0701", "C0702", "C0703", "E0301", "J0301"} <= noise
    assert {leaf.unit for leaf in tree.answering_to("pollution_detail", "工业")} == {"brigade-2"}
    assert tree.leaves["X0303"].urgency is Urgency.CRITICAL
    assert tree.leaves["J0404"].urgency is Urgency.URGENT
    assert tree.leaves["C0101"].urgency is Urgency.NORMAL
    for kind in ("大气", "水", "噪声", "固废", "土壤", "辐射", "生态", "其他"):
        assert tree.answering_to("pollution", kind), kind


def test_a_small_tree_loads(tmp_path: Path) -> None:
    tree = load_categories(written(tmp_path, SMALL))
    assert set(tree.leaves) == {"C0101", "X0101"}
    assert [leaf.code for leaf in tree.answering_to("pollution", "其他")] == ["C0101", "X0101"]
    police = tree.leaves["X0101"].department
    assert police is not None
    assert (police.code, police.name, police.phone) == ("police", "派出所", "110")


@pytest.mark.parametrize(
    ("right", "wrong", "named", "said"),
    [
        ("code: X0101", "code: C0101", "C0101", "重复"),
        ("code: C0101", "code: C101", "C101", "四位数字"),
        ("code: C0101", "code: Z0101", "Z0101", "四位数字"),
        ("unit: brigade-1,", "unit: brigade-9,", "C0101", "brigade-9"),
        ("unit: brigade-1,", "unit: brigade-1, department: police,", "C0101", "同时填了"),
        ("unit: brigade-1,", "", "C0101", "必须填一个"),
        ("department: police", "department: navy", "X0101", "navy"),
        ("urgency: urgent", "urgency: soon", "X0101", "soon"),
        ("time_class: order", "time_class: odd", "C0101", "odd"),
        ("time_class: order, ", "", "C0101", "时限类别"),
        ("aliases: [打架]", "aliases: [摆摊]", "X0101", "摆摊"),
        ("aliases: [打架]", "aliases: [占道经营]", "C0101", "占道经营"),
        ("aliases: [打架]", "aliases: [打架, 打架]", "X0101", "重复"),
        ("aliases: [打架]", "aliases: 打架", "X0101", "列表"),
        ("aliases: [打架]", "nickname: [打架]", "X0101", "nickname"),
        ("name: 占道经营, ", "", "C0101", "名称"),
        ("gbt47678.5: [09006]", "gbt: [09006]", "C0101", "gbt"),
        ("codes: {pollution: [其他]}", "codes: {gbt47678.5: [09006]}", "X0101", "09006"),
        ("codes: {pollution: [其他]}", "codes: [其他]", "X0101", "对照表"),
        ("{code: X0101, ", "{", "街面秩序", "code"),
        ("    leaves:", "    members:", "城市管理", "leaves"),
        ("  groups:", "  parts:", "一级分类", "groups"),
        ("{name: 派出所, phone: 110}", "{phone: 110}", "police", "名称"),
        ("branches:", "trees:", "categories.yml", "branches"),
    ],
)
def test_each_mistake_is_refused_and_named(tmp_path: Path, right: str, wrong: str, named: str, said: str) -> None:
    assert right in SMALL
    with pytest.raises(ValueError) as refused:
        load_categories(written(tmp_path, SMALL.replace(right, wrong)))
    assert named in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["branches: [", "", "- 1", "branches: {}"])
def test_what_is_no_tree_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="事项分类表"):
        load_categories(written(tmp_path, text))


def test_the_head_of_the_file_explains_every_field_and_time_class() -> None:
    head = TREE_FILE.read_text(encoding="utf-8").split("departments:\n", 1)[0]
    for word in ("code", "name", "unit", "department", "urgency", "time_class", "aliases", "codes"):
        assert word in head
    assert {leaf.time_class for leaf in load_categories().leaves.values()} <= set(head.split())
