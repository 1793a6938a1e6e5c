"""A small labelled set that trains in a second, for tests that need some model rather than the shipped one."""

from __future__ import annotations

from domain.category import Category, CategoryTree
from nlu.training import Row

LEAVES = {
    "C0101": ("流动摊贩", ("摆摊卖水果", "三轮车占道卖菜", "流动摊贩堵住人行道", "路边摊早上叫卖", "小贩在校门口摆摊")),
    "C0705": (
        "餐饮油烟",
        ("饭店油烟直排", "烧烤店油烟熏得开不了窗", "厨房排烟管对着居民楼", "餐馆油烟味呛人", "没装油烟净化器"),
    ),
    "J0301": (
        "施工噪声",
        ("工地半夜打桩", "夜间施工噪音吵得睡不着", "凌晨混凝土浇筑声音大", "工地电锯声不停", "挖掘机通宵作业"),
    ),
    "J0401": ("井盖缺失", ("路上井盖不见了", "窨井盖破了个洞", "井盖松动车子压过响", "下水道井盖被偷", "井盖塌下去了")),
}
KINDS = {
    "complaint": ("{}，严重影响生活，请尽快处理", "{}，多次反映都没有人管", "{}，实在受不了了"),
    "consultation": ("请问{}归哪个部门管？", "想了解一下{}有什么规定？", "{}应该找谁，电话是多少？"),
}
PLACES = ("恬庄", "高庄村", "双塘路", "港口社区", "西张街")


def rows() -> list[Row]:
    """120 rows of four leaves and two kinds."""
    found = []
    for code, (_, situations) in LEAVES.items():
        for at, situation in enumerate(situations):
            for kind, frames in KINDS.items():
                for turn, frame in enumerate(frames):
                    place = PLACES[(at + turn) % len(PLACES)]
                    found.append(Row(place + frame.format(situation), code, kind))
    return found


def tree() -> CategoryTree:
    """A tree of the four leaves; 06028 is the one item that means 施工噪声, 水 may mean two leaves."""
    codes = {"J0301": ("gbt47678.5:06028",), "C0101": ("several:水",), "C0705": ("several:水",)}
    return CategoryTree(
        Category(code=code, name=name, group="组", branch="枝", unit="brigade-1", codes=codes.get(code, ()))
        for code, (name, _) in LEAVES.items()
    )
