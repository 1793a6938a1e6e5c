"""The trained Rasa models: `<version>.tar.gz` is Rasa's own file, `<version>.json` what we know of it, `current` names one."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from nlu.calibration import Calibration
from nlu.rasa.installation import FOLDER
from nlu.rasa.training import WORK_PREFIX

MODELS = FOLDER / "models"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a model. `fingerprint`: of all that it depends on; `calibration`: makes its confidences honest;
    `report`: what was measured on texts it had not seen, plain JSON values (empty: nothing was)."""

    fingerprint: str
    calibration: Calibration = field(default_factory=Calibration)
    report: dict[str, Any] = field(default_factory=dict)


class RasaShelf:
    """The models of one folder."""

    def __init__(self, folder: Path = MODELS) -> None:
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else builds here meanwhile: a second one waits. What a killed one left behind is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "building.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.folder.glob(f"{WORK_PREFIX}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def file(self, version: str) -> Path:
        """Where the model of a version stands."""
        return self.folder / f"{version}.tar.gz"

    def current(self) -> str | None:
        """The version in use; None when there is none."""
        try:
            version = (self.folder / "current").read_text(encoding="utf-8").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        return version if version and self.file(version).exists() else None

    def current_file(self) -> Path:
        """The model file in use. Raises FileNotFoundError when there is none."""
        version = self.current()
        if version is None:
            raise FileNotFoundError(f"{self.folder} 中没有 Rasa 模型，请运行 make rasa")
        return self.file(version)

    def record(self, version: str) -> Record | None:
        """What is known of a version; None for one that is not ours or whose record is damaged."""
        if Path(version).name != version:
            return None
        try:
            found = json.loads((self.folder / f"{version}.json").read_text(encoding="utf-8"))
            line = found["calibration"]
            calibration = Calibration(
                float(line["sharpness"]), tuple(map(float, line["said"])), tuple(map(float, line["worth"]))
            )
            return Record(str(found["fingerprint"]), calibration, dict(found["report"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def calibration(self, version: str) -> Calibration:
        """How a version's probabilities become honest; of a model that is not ours they stand as they are."""
        return _calibration(self.folder, version)

    def add(self, version: str, record: Record) -> None:
        """Write down what is known of the model that stands at `file(version)`, put it to use, remove the others."""
        _write(self.folder / f"{version}.json", json.dumps(asdict(record), ensure_ascii=False))
        _write(self.folder / "current", version)
        for old in (*self.folder.glob("*.tar.gz"), *self.folder.glob("*.json")):
            if old.name.removesuffix(".json").removesuffix(".tar.gz") != version:
                old.unlink(missing_ok=True)


@lru_cache(maxsize=8)
def _calibration(folder: Path, version: str) -> Calibration:
    record = RasaShelf(folder).record(version)
    return Calibration() if record is None else record.calibration


def _write(path: Path, content: str) -> None:
    """The whole content or the old one."""
    beside = path.with_suffix(".new")
    beside.write_text(content, encoding="utf-8")
    os.replace(beside, path)  # noqa: PTH105
