"""What surrounds a Rasa training, without Rasa: the texts and words it is given, the shelf, the search for a Python 3.10."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nlu.calibration import Calibration
from nlu.categories import load_categories
from nlu.rasa.installation import CONFIG, NoPython, bounded_environment, find_python, install, is_installed
from nlu.rasa.shelf import RasaShelf, Record
from nlu.rasa.training import LONGEST_TEXT, dictionary_words, text_for_rasa

ROOT = Path(__file__).parents[2]


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=2000), st.integers(1, 2000))
def test_any_text_becomes_one_that_rasa_can_read(text: str, longest: int) -> None:
    shown = text_for_rasa(text, longest)
    shown.encode("utf-8")
    assert len(shown) <= longest
    assert shown == " ".join(shown.split())
    assert not shown.startswith("/")
    assert all(character.isprintable() for character in shown)


def test_a_text_is_folded_and_cut() -> None:
    assert text_for_rasa("工地　施工，\n噪聲\x00太大") == "工地 施工 噪声 太大"
    assert len(text_for_rasa("施" * 5000)) == LONGEST_TEXT


def test_the_dictionary_knows_places_and_aliases_and_holds_words_only() -> None:
    tree = load_categories()
    words = dictionary_words(tree)
    assert "恬庄村" in words
    aliases = [
        alias for leaf in tree.leaves.values() for alias in leaf.aliases if alias.isalpha() and alias.isupper() is False
    ]
    assert len(set(aliases) & set(words)) > 0.8 * len(set(aliases))
    assert words == sorted(set(words))
    assert not [word for word in words if " " in word or len(word) < 2]  # jieba reads a space as the end of the word


def test_the_pipeline_uses_jieba_with_the_dictionary() -> None:
    first = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["pipeline"][0]
    assert first == {"name": "JiebaTokenizer", "dictionary_path": "dictionary"}


def test_requirements_are_hashed_and_name_no_address() -> None:
    text = CONFIG.with_name("requirements.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if "==" in line]
    assert any(line.startswith("rasa==3.6.") for line in pins)
    assert all(line.endswith("\\") for line in pins), "each pin goes on with its hashes"
    assert "://" not in text


def test_the_shelf_gives_back_what_was_put_on_it_and_keeps_one_model(tmp_path: Path) -> None:
    shelf = RasaShelf(tmp_path)
    assert shelf.current() is None
    with pytest.raises(FileNotFoundError, match="make rasa"):
        shelf.current_file()
    for version in ("2026-11-23-old", "2026-11-24-new"):
        shelf.file(version).write_bytes(version.encode())
        record = Record(version, Calibration(2.0, (0.1, 0.9), (0.2, 0.8)), {"rows": 3})
        shelf.add(version, record)
        assert shelf.current() == version
        assert shelf.record(version) == record
        assert shelf.calibration(version) == record.calibration
    assert shelf.current_file().read_bytes() == b"2026-11-24-new"
    assert {path.name for path in tmp_path.iterdir()} == {"2026-11-24-new.tar.gz", "2026-11-24-new.json", "current"}


@pytest.mark.parametrize(
    "damage", ["", "[]", "{", '{"fingerprint": "x"}', '{"fingerprint": 1, "calibration": 2, "report": {}}']
)
def test_a_damaged_record_counts_as_none(damage: str, tmp_path: Path) -> None:
    shelf = RasaShelf(tmp_path)
    (tmp_path / "one.json").write_text(damage, encoding="utf-8")
    assert shelf.record("one") is None
    assert shelf.calibration("one") == Calibration()
    assert shelf.record("../one") is None
    (tmp_path / "current").write_text("one", encoding="utf-8")
    assert shelf.current() is None, "the model file itself is missing"


def test_rasa_is_given_no_secret_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAKE_ADMIN_TOKEN", "administrator-token-for-tests-0123456789")
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:hush-hush@127.0.0.1/x")
    given = bounded_environment(tmp_path)
    assert "hush-hush" not in str(given)
    assert not [name for name in given if name.startswith("INTAKE") or name == "DATABASE_URL"]
    assert given["HOME"] == given["TMPDIR"] == str(tmp_path)
    assert given["OMP_NUM_THREADS"] == "1"
    assert given["RASA_TELEMETRY_ENABLED"] == "false"


def test_no_python_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.10"  # as pyenv leaves one for a version that is not switched on
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    with pytest.raises(NoPython, match=r"Python 3\.10"):
        find_python()
    said: list[str] = []
    with pytest.raises(NoPython):
        install(said.append, tmp_path / "environment")
    assert said == []
    assert not is_installed(tmp_path / "environment")


def test_building_without_python_ends_with_code_three(tmp_path: Path) -> None:
    """A checkout without an environment, on a machine without Python 3.10."""
    for room in ("nlu", "domain"):
        ignored = shutil.ignore_patterns("environment", "models", "__pycache__", "*.pyc")
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    done = subprocess.run(
        [sys.executable, "-m", "nlu.rasa.build", "--environment"],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.count("\n") == 1
    assert "没有找到 Python 3.10" in done.stdout
    assert not (tmp_path / "nlu" / "rasa" / "environment").exists()
