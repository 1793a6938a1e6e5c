from __future__ import annotations

import pytest
import yaml

from domain.understanding import Evidence, Party
from nlu.corpus import CORPUS_FOLDER, load_corpus
from nlu.findings import Finder
from nlu.places import MOST_PLACES

FINDER_OF_FORMS = Finder([])
"""Knows no words of the town: what it finds, it tells by form."""

FINDER = Finder(["恬庄", "恬庄村", "凤凰", "凤凰镇", "凤凰社区", "高庄村", "西张"])


def places(text: str, address: str = "") -> tuple[str, ...]:
    return FINDER.find([(text, Evidence(address=address))])[0].places


def test_the_towns_own_words_come_first_and_the_longest_of_those_that_begin_together() -> None:
    assert places("人民路上的恬庄村菜场门口有人摆摊")[:1] == ("恬庄村",)
    assert places("凤凰镇恬庄有人烧秸秆")[:2] == ("凤凰镇", "恬庄")
    assert places("凤凰社区和西张")[:2] == ("凤凰社区", "西张")


def test_words_of_the_text_come_before_those_of_the_address() -> None:
    assert places("高庄村东边在烧垃圾", "张家港市凤凰镇凤凰社区")[:2] == ("高庄村", "凤凰社区")
    assert places("门口有人烧垃圾", "张家港市凤凰镇凤凰社区")[:2] == ("凤凰社区", "凤凰镇")


def test_traditional_characters_and_the_writers_own_form() -> None:
    assert places("恬莊村門口很吵") == ("恬莊村",)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("市民反映江苏省张家港市金港镇滨河路128号门口有人乱倒垃圾", "滨河路128号"),
        ("我住在香樟花园3幢，楼上天天装修", "香樟花园3幢"),
        ("请问创业大道什么时候修好", "创业大道"),
        ("在明珠小区附近有人摆摊", "明珠小区"),
        ("新华路与向阳路交叉口红绿灯坏了", "向阳路"),
        ("凤凰镇夏市东路26号门口堆着沙石", "夏市东路26号"),
        ("永和东路9号的饭店", "永和东路9号"),
        ("解放西路没有路灯", "解放西路"),
        ("喂你好我跟你讲凤凰镇老是停水", "凤凰镇"),
        ("目前东升路还在施工", "东升路"),
        ("走马塘路积水", "走马塘路"),
        ("双龙路和杏市路路口", "杏市路"),
        ("我住杏市家园14幢", "杏市家园14幢"),
    ],
)
def test_roads_and_estates_are_told_by_their_form(text: str, place: str) -> None:
    assert place in places(text)


@pytest.mark.parametrize(
    "text",
    [
        *("这条路坑坑洼洼", "马路边上有人摆摊", "整个小区都没水", "全村都停电了", "我们村没人管", ""),
        *(
            "外地人都走错路",
            "不敢让孩子过桥",
            "每天走路上班",
            "我就是想弄清楚",
            "怕弄错了被罚",
            "经常跑医院",
            "换个思路",
        ),
        *(
            "给我指条路",
            "半边路都占了",
            "车子直接排进河里",
            "公交线路绕太远",
            "最近小区里很吵",
            "泥浆流满马路",
            "带狗进公园",
        ),
        *(
            "夏市，老桥头",
            "马路菜场越摆越长",
            "楼下烟酒店",
            "每礼拜高架桥下",
            "腥味飘满半条街",
            "商家跑路了",
            "把公共道路切开",
        ),
    ],
)
def test_words_that_name_no_place_are_left_out(text: str) -> None:
    assert places(text) == ()


def test_a_name_is_not_cut_and_not_made_of_two() -> None:
    assert places("夏市东路老桥头堆着环卫工具")[:1] == ("夏市东路",)
    assert places("凤凰镇河阳佳园9幢漏水") == ("凤凰镇", "河阳佳园9幢")
    assert places("A7县楚龙街道青山新村社区门口")[-1] == "青山新村社区"


def test_in_the_corpus_its_roads_and_estates_are_found_and_little_else() -> None:
    material = yaml.safe_load((CORPUS_FOLDER / "material" / "places.yml").read_text(encoding="utf-8"))
    wanted = {*material["roads"], *material["estates"]}
    names = {*wanted, *material["villages"], "凤凰镇"}
    named = met = found = known = 0
    for example in load_corpus()[::4]:
        spans = FINDER_OF_FORMS.find([(example.text, Evidence())])[0].places
        found += len(spans)
        known += sum(any(name in span or span in name for name in names) for span in spans)
        if len(spans) < MOST_PLACES:
            here = [name for name in wanted if name in example.text]
            named += len(here)
            met += sum(any(name in span for span in spans) for name in here)
    assert named > 800
    assert met / named > 0.95
    assert known / found > 0.86


def test_never_more_than_eight() -> None:
    assert len(places("，".join(f"{name}路" for name in "甲乙丙丁戊己庚辛壬癸"))) <= MOST_PLACES


@pytest.mark.parametrize(
    ("text", "parties"),
    [
        ("举报张家港市某某村的恒发塑料有限公司夜间排放臭气", (Party("恒发塑料有限公司", "company"),)),
        ("老王家常菜馆油烟很大", (Party("老王家常菜馆", "shop"),)),
        ("在金色豪庭工地半夜施工", (Party("金色豪庭工地", "site"),)),
        ("车牌苏E00000的渣土车撒漏", (Party("苏E00000", "vehicle"),)),
        ("苏E·D00000把车停在人行道上", (Party("苏E·D00000", "vehicle"),)),
        ("物业公司不管，分店也不管", ()),
        ("一个工地很吵", ()),
    ],
)
def test_the_party_complained_about(text: str, parties: tuple[Party, ...]) -> None:
    assert FINDER.find([(text, Evidence())])[0].parties == parties
