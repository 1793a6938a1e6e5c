"""What the shape of the router's settings cannot say: do its names exist, and does every case find its limit?

Each mistake is a path into the router's section and a Chinese sentence: what is wrong and what would be right. Nothing here
reads a file or stops a running service; `intake-bot check` and the start of the service show what comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from domain.category import CategoryTree
from domain.limit import STAGE_NAMES, Limit, Stage, Unit
from domain.people import SUPERVISION_GROUP
from domain.worktime import local
from router.grid import Boundaries
from router.limits import specificity
from router.rules import RISKS
from router.settings import LimitSettings, OffDuty, Posts, RouterSettings, Then, UnitSettings, When, words_of

Path = tuple[str | int, ...]
Found = tuple[Path, str]


def check_router(
    settings: RouterSettings, tree: CategoryTree, boundaries: Boundaries, channels: Collection[str]
) -> list[Found]:
    """Every mistake, in the order of the section. `channels` are all codes that a complaint may come with."""
    return [
        *_units(settings, tree),
        *_territory(settings, boundaries),
        *_rules(settings, tree, channels),
        *_limits(settings, tree, channels),
        *_repeated(("return_reasons",), "code", "退单原因代码", [one.code for one in settings.return_reasons]),
    ]


def _repeated(where: Path, field: str, what: str, values: Sequence[str]) -> Iterator[Found]:
    """The second and later appearances of a value that must be unique."""
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            yield (*where, index, field), f"{what} {value} 与第 {seen[value] + 1} 项重复，应各不相同"
        seen.setdefault(value, index)


def _unknown(where: Path, what: str, values: Iterable[str], known: Collection[str]) -> Iterator[Found]:
    """The members of a list that name nothing."""
    for index, value in enumerate(values):
        if value not in known:
            yield (*where, index), f"{what}“{value}”不存在，可用：{_named(known)}"


def _named(known: Iterable[str], most: int = 30) -> str:
    """The values that would be right; a long list is cut."""
    written = sorted(known)
    shown = "、".join(written[:most]) or "（没有）"
    return f"{shown} 等 {len(written)} 个" if len(written) > most else shown


def _units(settings: RouterSettings, tree: CategoryTree) -> Iterator[Found]:
    codes = [unit.code for unit in settings.units]
    yield from _repeated(("units",), "code", "单位代码", codes)
    if SUPERVISION_GROUP not in codes:
        yield ("units",), f"缺少督察组：反映本局人员的诉求只能派给它，请增加代码为 {SUPERVISION_GROUP} 的单位"
    missing = sorted(
        {leaf.unit for leaf in tree.leaves.values() if leaf.unit and leaf.unit not in codes} - {SUPERVISION_GROUP}
    )
    for code in missing:
        yield ("units",), f"事项分类表中有派给 {code} 的事项，但 units 中没有这个单位，请增加"
    whose: dict[str, str] = {}
    for number, unit in enumerate(settings.units):
        where: Path = ("units", number)
        yield from _people(where, unit, whose)


def _people(where: Path, unit: UnitSettings, whose: dict[str, str]) -> Iterator[Found]:
    """One unit's people; `whose` gathers account → unit over all units."""
    accounts = {person.account for person in unit.people}
    for field, account in (("head", unit.head), ("backup", unit.backup)):
        if account not in accounts:
            yield (*where, field), f"账号 {account} 不是{unit.name}的人员，可用：{_named(accounts)}"
    if unit.head == unit.backup and len(accounts) > 1:
        yield (*where, "backup"), f"代理人与负责人同为 {unit.head}，负责人离岗时无人代理，应另指定一人"
    for index, person in enumerate(unit.people):
        here: Path = (*where, "people", index)
        if person.account in whose:
            yield (*here, "account"), f"账号 {person.account} 已列在{whose[person.account]}，一个账号只能属于一个单位"
        whose.setdefault(person.account, unit.name)
        for number, absence in enumerate(person.off_duty):
            yield from _absence((*here, "off_duty", number), absence)


def _absence(where: Path, absence: OffDuty) -> Iterator[Found]:
    if local(absence.end) <= local(absence.start):
        yield (
            (*where, "to"),
            f"离岗结束时间 {local(absence.end):%Y-%m-%d %H:%M} 应晚于开始时间 {local(absence.start):%Y-%m-%d %H:%M}",
        )


def _territory(settings: RouterSettings, boundaries: Boundaries) -> Iterator[Found]:
    territory = settings.territory
    where: Path = ("territory",)
    places = {place.code: place for place in territory.places}
    areas = {area.code for area in territory.areas}
    yield from _repeated((*where, "areas"), "code", "责任区代码", [area.code for area in territory.areas])
    yield from _repeated((*where, "places"), "code", "村社区代码", [place.code for place in territory.places])
    for index, place in enumerate(territory.places):
        if place.area not in areas:
            yield (*where, "places", index, "area"), f"责任区“{place.area}”不存在，可用：{_named(areas)}"
    yield from _place_words(settings)
    yield from _grids(settings)
    for code in sorted(set(places) - set(boundaries.codes)):
        yield (*where, "boundaries"), f"边界文件中没有 {places[code].name}（{code}）的边界，按坐标无法定位到它，请补上"
    for code in sorted(set(boundaries.codes) - set(places)):
        yield (*where, "boundaries"), f"边界文件中的代码 {code} 不是本镇的村社区，可用：{_named(places)}"
    for code in sorted({one for one in boundaries.codes if boundaries.codes.count(one) > 1}):
        yield (
            (*where, "boundaries"),
            f"边界文件中代码 {code} 出现多次，一个村社区只能有一条边界（多块请用 MultiPolygon）",
        )


def _place_words(settings: RouterSettings) -> Iterator[Found]:
    """A word that names two places locates nothing."""
    first: dict[str, str] = {}
    for index, place in enumerate(settings.territory.places):
        for word in words_of(place, settings.territory.town):
            if word in first and first[word] != place.name:
                at: Path = ("territory", "places", index)
                if word in place.words:
                    at = (*at, "words", place.words.index(word))
                yield at, f"地名词“{word}”同时指{first[word]}和{place.name}，无法据以定位，请写得更具体或只留在一处"
            first.setdefault(word, place.name)
        for number, word in enumerate(place.words):
            if len(word.strip()) < 2:
                yield ("territory", "places", index, "words", number), f"地名词“{word}”太短，至少两个字"


def _grids(settings: RouterSettings) -> Iterator[Found]:
    territory = settings.territory
    people = {unit.code: {person.account for person in unit.people} for unit in settings.units}
    names = {unit.code: unit.name for unit in settings.units}
    areas = {area.code for area in territory.areas}
    used = {place.area for place in territory.places}
    places = {place.code for place in territory.places}
    yield from _repeated(("territory", "grids"), "code", "网格代码", [grid.code for grid in territory.grids])
    yield from _repeated(("territory", "grids"), "unit", "总负责单位", [grid.unit for grid in territory.grids])
    for index, grid in enumerate(territory.grids):
        where: Path = ("territory", "grids", index)
        if grid.unit not in people:
            yield (*where, "unit"), f"单位“{grid.unit}”不存在，可用：{_named(people)}"
        for area in sorted(used & areas - set(grid.areas)):
            yield (*where, "areas"), f"{grid.name}没有指定责任区 {area} 的A、B岗，请补上"
        for section, keyed, known in (("areas", grid.areas, areas), ("cells", grid.cells, places)):
            for code, posts in keyed.items():
                here: Path = (*where, section, code)
                if code not in known:
                    what = "责任区" if section == "areas" else "村社区"
                    yield here, f"{what}“{code}”不存在，可用：{_named(known)}"
                if grid.unit in people:
                    yield from _posts(here, posts, people[grid.unit], names[grid.unit])


def _posts(where: Path, posts: Posts, people: Collection[str], unit: str) -> Iterator[Found]:
    for field, account in (("owner", posts.owner), ("backup", posts.backup)):
        if account not in people:
            yield (*where, field), f"账号 {account} 不是{unit}的人员，可用：{_named(people)}"
    if posts.owner == posts.backup:
        yield (*where, "backup"), f"A岗与B岗同为 {posts.owner}，A岗离岗时无人接替，应另指定一人"


def _rules(settings: RouterSettings, tree: CategoryTree, channels: Collection[str]) -> Iterator[Found]:
    yield from _repeated(("rules",), "id", "规则编号", [rule.id for rule in settings.rules])
    for index, rule in enumerate(settings.rules):
        yield from _when(("rules", index, "when"), rule.when, settings, tree, channels)
        yield from _then(("rules", index, "then"), rule.then, settings, tree)


def _when(
    where: Path, when: When, settings: RouterSettings, tree: CategoryTree, channels: Collection[str]
) -> Iterator[Found]:
    leaves = tree.leaves.values()
    known: Mapping[str, tuple[str, tuple[str, ...], Collection[str]]] = {
        "category": ("事项分类代码", when.category, tree.leaves),
        "group": ("事项二级分类", when.group, {leaf.group for leaf in leaves}),
        "branch": ("事项一级分类", when.branch, {leaf.branch for leaf in leaves}),
        "channel": ("渠道", when.channel, channels),
        "place": ("村社区代码", when.place, {place.code for place in settings.territory.places}),
        "area": ("责任区", when.area, {area.code for area in settings.territory.areas}),
        "risk": ("风险标记", when.risk, RISKS),
    }
    for field, (what, values, there) in known.items():
        yield from _unknown((*where, field), what, values, there)
    for index, word in enumerate(when.words):
        if not word.strip():
            yield (*where, "words", index), "空白词会使规则对所有诉求成立，请填写具体的词或删去"
    if when.hours is not None:
        start, end = when.hours
        if not (0 <= start <= 24 and 0 <= end <= 24 and start != end):
            yield (*where, "hours"), f"钟点 [{start}, {end}] 不成立：应为 0 至 24 的两个不同整点，如 [22, 6] 表示夜间"
    if when == When():
        yield where, "规则没有任何条件，会对所有诉求成立；请至少写一个条件"


def _then(where: Path, then: Then, settings: RouterSettings, tree: CategoryTree) -> Iterator[Found]:
    units = {unit.code for unit in settings.units}
    departments = {leaf.department.code for leaf in tree.leaves.values() if leaf.department is not None}
    if then.unit is not None and then.unit not in units:
        yield (*where, "unit"), f"单位“{then.unit}”不存在，可用：{_named(units)}"
    if then.department is not None and then.department not in departments:
        yield (*where, "department"), f"外部门“{then.department}”不存在，可用：{_named(departments)}"
    yield from _unknown((*where, "helpers"), "单位", then.helpers, units)
    for index, code in enumerate(then.helpers):
        if code == SUPERVISION_GROUP:
            yield (*where, "helpers", index), "督察组不作协办单位：反映本局人员的诉求请用 unit 派给它"
    named = [field for field in ("unit", "department", "desk") if getattr(then, field)]
    if len(named) > 1:
        yield where, f"规则只能有一个去向，现在写了 {'、'.join(named)}，请只留一个"
    if then == Then():
        yield where, "规则没有任何处置；请写 unit、department、desk、helpers、urgency 中的至少一项"


def _limits(settings: RouterSettings, tree: CategoryTree, channels: Collection[str]) -> Iterator[Found]:
    rows = settings.limits
    yield from _repeated(("limits",), "id", "时限编号", [row.id for row in rows])
    classes = {leaf.time_class for leaf in tree.leaves.values() if leaf.time_class}
    for index, row in enumerate(rows):
        where: Path = ("limits", index)
        if row.channel is not None and row.channel not in channels:
            yield (*where, "channel"), f"渠道“{row.channel}”不存在，可用：{_named(channels)}"
        if row.category is not None and row.category not in tree.leaves and row.category not in classes:
            yield (
                (*where, "category"),
                f"“{row.category}”既不是事项分类代码也不是时限类别；时限类别可用：{_named(classes)}",
            )
        if row.valid_from is not None and row.valid_to is not None and row.valid_to <= row.valid_from:
            yield (*where, "valid_to"), f"失效日期 {row.valid_to}（不含）应晚于生效日期 {row.valid_from}"
        if row.stage is Stage.EXTEND and Limit.parse(row.limit).unit is not Unit.WORKING_DAYS:
            yield (*where, "limit"), f"延期按工作日批准，“{row.limit}”应写成 working_days，例如 5 working_days"
    yield from _rivals(rows, tree)
    for stage in Stage:
        yield from _coverage(stage, [row for row in rows if row.stage is stage])


def _rivals(rows: Sequence[LimitSettings], tree: CategoryTree) -> Iterator[Found]:
    """Two rows that match the same case equally well on the same day: nobody could say which counts."""
    by_rank: dict[tuple[object, ...], list[int]] = {}
    for index, row in enumerate(rows):
        # A code outranks a time class, so the two never rival each other.
        is_code = row.category in tree.leaves if row.category is not None else None
        key = (row.stage, specificity(row), is_code, row.channel, row.kind, row.urgency, row.category)
        for other in by_rank.setdefault(key, []):
            if _overlap(row, rows[other]):
                yield (
                    ("limits", index),
                    f"时限 {row.id} 与 {rows[other].id} 的适用条件完全相同且有效期重叠，"
                    "无法确定以哪行为准；请合并，或用 valid_from、valid_to 错开",
                )
        by_rank[key].append(index)


def _overlap(one: LimitSettings, other: LimitSettings) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts < min(one.valid_to or date.max, other.valid_to or date.max)


def _coverage(stage: Stage, rows: Sequence[LimitSettings]) -> Iterator[Found]:
    """For every day there must be a row of the stage that matches whatever comes."""
    name = STAGE_NAMES[stage]
    general = [row for row in rows if not any(specificity(row))]
    if not general:
        yield (
            ("limits",),
            f"“{name}”环节（stage: {stage}）缺少兜底的一行：请增加一行只写 id、stage、limit，不限渠道、类型、紧急程度和事项",
        )
        return
    reached = date.min
    for row in sorted(general, key=lambda row: row.valid_from or date.min):
        start = row.valid_from or date.min
        if start > reached:
            before = "" if reached == date.min else f"{reached} 至 "
            yield ("limits",), f"“{name}”环节在 {before}{start} 之前没有兜底的时限，请补上或调整 valid_from、valid_to"
        reached = max(reached, row.valid_to or date.max)
    if reached < date.max:
        yield ("limits",), f"“{name}”环节自 {reached} 起没有兜底的时限，请增加一行不写 valid_to 的"
