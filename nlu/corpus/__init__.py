"""The training utterances: reads the Rasa YAML of this folder. How they were made is in README.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domain.complaint import Kind

CORPUS_FOLDER = Path(__file__).parent

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Example:
    """One utterance with its labels. `category` is the code of a leaf of the tree."""

    text: str
    category: str
    kind: Kind


def load_corpus(folder: Path = CORPUS_FOLDER, pattern: str = "*.yml") -> list[Example]:
    """All utterances of the folder's files that match `pattern`, file by file in order of name.

    Raises `ValueError`, naming the file and the intent, for an entry that is not of the promised form.
    """
    found: list[Example] = []
    for path in sorted(folder.glob(pattern)):
        try:
            entries = yaml.load(path.read_text(encoding="utf-8"), _LOADER)["nlu"]  # noqa: S506 (a safe loader)
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise ValueError(f"语料 {path.name} 不是 Rasa 的 NLU 格式：{error}") from error
        for entry in entries:
            found.extend(_examples(path, entry))
    return found


def _examples(path: Path, entry: Any) -> list[Example]:
    try:
        category, kind = entry["intent"], Kind(entry["metadata"]["kind"])
        lines = entry["examples"].splitlines()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        name = entry.get("intent", "") if isinstance(entry, dict) else ""
        raise ValueError(f"语料 {path.name} 的 {name} 有误：{error}") from error
    for line in lines:
        if not line.startswith("- ") or not line[2:].strip():
            raise ValueError(f"语料 {path.name} 的 {category} 中，例句应以“- ”开头：{line[:30]}")
    return [Example(line[2:].strip(), category, kind) for line in lines]
