"""Reading `config.yml` so that every mistake can be named with its line. Not: what the values mean (`settings`)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Path_ = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in the configuration: the line (from 1), where, and in Chinese what is wrong and what would be right."""

    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"第 {self.line} 行" if self.line else "整份配置"
        return f"{place}  {self.where}：{self.message}" if self.where else f"{place}：{self.message}"


class ConfigurationError(Exception):
    """The configuration cannot be used; `mistakes` names every one."""

    def __init__(self, path: Path, mistakes: Sequence[Mistake]) -> None:
        self.path = path
        self.mistakes = sorted(mistakes)
        super().__init__(f"{path.name} 有 {len(self.mistakes)} 处错误：\n" + "\n".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A parsed file: plain data, and the line of each value."""

    path: Path
    data: dict[str, Any]
    lines: dict[Path_, int] = field(default_factory=dict)

    def line_of(self, where: Sequence[str | int]) -> int:
        """The line of a value, or of the nearest thing around it that the file does hold."""
        known = tuple(where)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)

    def mistake(self, where: Sequence[str | int], message: str) -> Mistake:
        return Mistake(self.line_of(where), spelled(where), message)


def spelled(where: Sequence[str | int]) -> str:
    """`("router", "limits", 3, "limit")` as `router.limits[3].limit`, counted from 0 as in YAML tools."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def read_config(path: Path) -> ConfigFile:
    """Parse a file. Raises ConfigurationError: not there, not UTF-8, not YAML, a key twice, not a mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(path, [Mistake(0, "", f"找不到配置文件 {path}，请用环境变量 CONFIG 指明")]) from None
    except UnicodeDecodeError:
        raise ConfigurationError(path, [Mistake(0, "", "文件不是 UTF-8 编码，请另存为 UTF-8")]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise ConfigurationError(
            path, [Mistake(line, "", f"YAML 写法有误（{error.problem}），请检查缩进、冒号后的空格和引号")]
        ) from None
    except yaml.YAMLError:
        raise ConfigurationError(path, [Mistake(0, "", "文件中有 YAML 不允许的字符，请删除")]) from None
    reader = _Reader()
    data = reader.value(node, ()) if node is not None else {}
    if not isinstance(data, dict):
        raise ConfigurationError(path, [Mistake(1, "", "最外层应为“键: 值”，例如 bureau:")])
    if reader.mistakes:
        raise ConfigurationError(path, reader.mistakes)
    return ConfigFile(path, data, reader.lines)


class _Reader:
    """Builds plain data out of YAML nodes and remembers each one's line."""

    def __init__(self) -> None:
        self.lines: dict[Path_, int] = {}
        self.mistakes: list[Mistake] = []
        self._constructor = yaml.SafeLoader("")

    def value(self, node: yaml.Node, where: Path_) -> Any:
        self.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(one, (*where, index)) for index, one in enumerate(node.value)]
        return self._scalar(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Path_) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, where)
            # `12345:` without quotes is meant as a name just as `"12345":` is.
            key = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
            if not isinstance(key, str):
                key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                self.mistakes.append(Mistake(line, spelled((*where, key)), "同一处写了两次，请删去一处"))
                continue
            self.lines[(*where, key)] = line
            found[key] = self.value(value_node, (*where, key))
        return found

    def _scalar(self, node: yaml.Node, where: Path_) -> Any:
        if node.tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"} and ":" in node.value:
            return node.value  # YAML 1.1 would make 22:00 the number 1320
        try:
            return self._constructor.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            self.mistakes.append(Mistake(node.start_mark.line + 1, spelled(where), "无法读取这个值，请加引号"))
            return None
