from __future__ import annotations

from nlu.embedded.features import read
from nlu.embedded.kin import independent
from nlu.embedded.model import Model


def test_texts_that_share_a_sentence_are_no_independent_witnesses(small_model: Model) -> None:
    texts = [
        "恬庄菜场门口三轮车占道卖菜，每天早上堵得水泄不通",
        "反映一下：三轮车占道卖菜，每天早上堵得水泄不通，请处理",
        "高庄村的路灯坏了半个月，晚上走路看不清",
        "井盖坏了",
        "",
    ]
    assert independent(read(texts, small_model.dictionary)).tolist() == [False, False, True, True, True]


def test_the_same_passage_twice_in_one_text_is_its_own(small_model: Model) -> None:
    texts = ["路灯坏了半个月没人修理，路灯坏了半个月没人修理", "工地半夜打桩吵得睡不着觉"]
    assert independent(read(texts, small_model.dictionary)).tolist() == [True, True]
