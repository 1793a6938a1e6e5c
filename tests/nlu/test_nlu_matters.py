from __future__ import annotations

import pytest

from domain.understanding import Evidence
from nlu.findings import Finder

FINDER = Finder([])


def parts(text: str) -> tuple[str, ...]:
    return FINDER.find([(text, Evidence())])[0].parts


def test_a_text_that_counts_its_matters_is_split_where_it_counts() -> None:
    assert parts("1、门口有人摆摊卖菜；2、饭店油烟太大；3、路灯不亮很久了") == (
        "1、门口有人摆摊卖菜",
        "2、饭店油烟太大",
        "3、路灯不亮很久了",
    )
    assert parts("工地半夜施工吵得睡不着。另外，路口的井盖也坏了") == (
        "工地半夜施工吵得睡不着",
        "另外，路口的井盖也坏了",
    )
    assert len(parts("主要有两点：一是小区门口乱停车，二是垃圾没有人清运")) == 3


@pytest.mark.parametrize("text", ["门口有人摆摊卖菜", "住在2幢，第二天又来了", "还有", "", "2.", "另外"])
def test_one_matter_stays_whole(text: str) -> None:
    assert parts(text) == ()


def test_never_more_than_six_parts() -> None:
    assert len(parts("。".join(f"{number % 6 + 1}、第{number}件很长的事情要反映" for number in range(500)))) == 6
