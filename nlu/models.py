"""The shelf of trained models: one folder of versions, a pointer to the current one, switched in one step.

A version is `<version>.npz` (arrays) and `<version>.json` (everything else); nothing in them is ever executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nlu.calibration import Calibration
from nlu.embedded.features import Vocabulary
from nlu.embedded.gram_table import GramTable
from nlu.embedded.model import Model

FORMAT = 2
"""Raised when older files can no longer be read."""


class UnreadableModel(Exception):
    """A model that is missing, damaged or of another format; the message says which and what to do, in Chinese."""


class ModelShelf:
    """The models of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def pointer(self) -> Path:
        """The file that names the current version."""
        return self.folder / "current"

    def versions(self) -> list[str]:
        """All versions, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.json") if path.with_suffix(".npz").exists())

    def current(self) -> str | None:
        """The version that the pointer names; None when there is no pointer."""
        try:
            return self.pointer.read_text(encoding="utf-8").strip() or None
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def make_current(self, version: str) -> None:
        """Point at a version. Raises UnreadableModel when it is not on the shelf."""
        if version not in self.versions():
            raise UnreadableModel(f"模型库中没有版本“{version}”；现有：{'、'.join(self.versions()) or '无'}")
        _write(self.pointer, version.encode())

    def description(self, version: str) -> dict[str, Any]:
        """The JSON part of a version. Raises UnreadableModel."""
        path = self._path(version, "json")
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnreadableModel(f"模型“{version}”的说明文件无法读取：{error}") from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UnreadableModel(f"模型“{version}”的格式不是本程序的第 {FORMAT} 版，请重新训练")
        return found

    def load(self, version: str) -> Model:
        """Raises UnreadableModel for a version that is missing, damaged or of another format."""
        found = self.description(version)
        try:
            with np.load(self._path(version, "npz"), allow_pickle=False) as arrays:
                model = Model(
                    version=version,
                    fingerprint=str(found["fingerprint"]),
                    base=str(found["base"]),
                    labels=tuple(map(str, found["labels"])),
                    kinds=tuple(map(str, found["kinds"])),
                    dictionary=GramTable(arrays["dictionary_slots"], arrays["dictionary_ids"]),
                    vocabulary=Vocabulary(
                        GramTable(arrays["vocabulary_slots"], arrays["vocabulary_ids"]),
                        arrays["idf"],
                        int(found["words"]),
                    ),
                    weights=_mapped(self._path(version, "npz"), "weights"),
                    offsets=arrays["offsets"],
                    of_labels=_calibration(found["of_labels"]),
                    of_kinds=_calibration(found["of_kinds"]),
                    report=dict(found["report"]),
                    judged_texts=arrays["judged_texts"],
                    judged_right=arrays["judged_right"],
                )
        except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise UnreadableModel(f"模型“{version}”的数据文件已损坏：{error}") from error
        if model.weights.shape != (model.vocabulary.size, len(model.labels) + len(model.kinds)):
            raise UnreadableModel(f"模型“{version}”的数据文件与说明文件不一致，请重新训练")
        return model

    def save(self, model: Model) -> None:
        """Put a model on the shelf; whole or not at all. The pointer stays where it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            "dictionary_slots": model.dictionary.slots,
            "dictionary_ids": model.dictionary.ids,
            "vocabulary_slots": model.vocabulary.table.slots,
            "vocabulary_ids": model.vocabulary.table.ids,
            "idf": model.vocabulary.idf,
            "weights": model.weights,
            "offsets": model.offsets,
            "judged_texts": model.judged_texts,
            "judged_right": model.judged_right,
        }
        described = {
            "format": FORMAT,
            "fingerprint": model.fingerprint,
            "base": model.base,
            "labels": list(model.labels),
            "kinds": list(model.kinds),
            "words": model.vocabulary.words,
            "of_labels": asdict(model.of_labels),
            "of_kinds": asdict(model.of_kinds),
            "report": model.report,
        }
        with _replacing(self._path(model.version, "npz")) as path, path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        text = json.dumps(described, ensure_ascii=False, indent=1)
        _write(self._path(model.version, "json"), text.encode("utf-8"))

    def remove(self, version: str) -> None:
        """Take a version off the shelf, whether whole or damaged."""
        for suffix in ("json", "npz"):
            self._path(version, suffix).unlink(missing_ok=True)

    def _path(self, version: str, suffix: str) -> Path:
        return self.folder / f"{version}.{suffix}"


def _mapped(path: Path, name: str) -> npt.NDArray[np.float16]:
    """An array of a version's file without reading it into memory: a text needs few of its rows, and processes share them.

    The file is checked once as it is read through. Raises ValueError, KeyError or zipfile.BadZipFile for one that is not whole.
    """
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed")
        with archive.open(member) as content:
            while content.read(_CHECKED_AT_ONCE):
                pass
        with archive.open(member) as content:
            np.lib.format.read_magic(content)
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(content)
            header = content.tell()
    if by_columns or dtype != np.float16:
        raise ValueError(f"{name} is not an array of float16 by rows")
    with path.open("rb") as file:
        file.seek(member.header_offset + _LENGTHS_IN_HEADER)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
    start = member.header_offset + _LOCAL_HEADER + name_length + extra_length + header
    return np.asarray(np.memmap(path, dtype=np.float16, mode="r", offset=start, shape=shape))


_CHECKED_AT_ONCE = 1 << 20
_LOCAL_HEADER = 30
"""Bytes of a zip member's own header before its name, and within it the place of the lengths of name and extra field."""

_LENGTHS_IN_HEADER = 26


def _calibration(found: Any) -> Calibration:
    said, worth = (tuple(map(float, found[name])) for name in ("said", "worth"))
    if len(said) != len(worth):
        raise ValueError("calibration: as many points said as worth")
    return Calibration(float(found["sharpness"]), said, worth)


def _write(path: Path, content: bytes) -> None:
    with _replacing(path) as partial:
        partial.write_bytes(content)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the real one's place when all went well."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
