"""事项分类: the tree of matters, each leaf with a stable code and the unit whose business it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.complaint import Urgency


@dataclass(frozen=True, slots=True)
class Department:
    """An outside department that a matter belongs to, with the number a citizen can call."""

    code: str
    name: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A leaf. Exactly one of `unit` (brigade code, or `supervision-group`) and `department` is set.

    `time_class` is the name that limits rows may match in their `category` column beside the code itself.
    `codes` are codes of other schemes that mean this leaf, each as `scheme:code`, e.g.
    `gbt47678.5:06028` or `pollution:噪声`.
    """

    code: str
    name: str
    group: str  # second level, e.g. 市容秩序
    branch: str  # first level, e.g. 城市管理
    unit: str | None = None
    department: Department | None = None
    urgency: Urgency = Urgency.NORMAL
    time_class: str = ""
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class CategoryTree:
    """All leaves, found by code or by another scheme's code."""

    def __init__(self, leaves: Iterable[Category]) -> None:
        self._leaves = MappingProxyType({leaf.code: leaf for leaf in leaves})
        by_scheme: dict[str, list[Category]] = {}
        for leaf in self._leaves.values():
            for code in leaf.codes:
                by_scheme.setdefault(code, []).append(leaf)
        self._by_scheme = {code: tuple(found) for code, found in by_scheme.items()}

    @property
    def leaves(self) -> Mapping[str, Category]:
        return self._leaves

    def get(self, code: str) -> Category | None:
        return self._leaves.get(code)

    def name_of(self, code: str) -> str:
        """The leaf's name; the code itself for a leaf that is gone."""
        leaf = self._leaves.get(code)
        return leaf.name if leaf else code

    def first_of(self, codes: Iterable[str], unit: str, department: str) -> Category | None:
        """The first of some leaves that is a unit's business or, where a department is named, that department's."""
        for leaf in map(self.get, codes):
            if leaf is None:
                continue
            owner = leaf.department.code if leaf.department is not None else leaf.unit
            if owner == (department or unit):
                return leaf
        return None

    def answering_to(self, scheme: str, code: str) -> tuple[Category, ...]:
        """The leaves that a code of another scheme may mean; empty when none does."""
        return self._by_scheme.get(f"{scheme}:{code}", ())
