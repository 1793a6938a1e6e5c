"""What the documents list is what there is: settings, routes, kinds of problems, commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from service import ROOT

from adapters.channel import Channel
from domain.category import CategoryTree
from intake_bot.documentation import documents
from intake_bot.settings import load_deployment


def test_generated_documents_are_up_to_date(tree: CategoryTree) -> None:
    channels = [Channel(one) for one in load_deployment(ROOT / "config.yml", tree).settings.channels.values()]
    for path, text in documents(channels).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: run `make docs`"


def test_every_setting_says_what_it_means(tree: CategoryTree) -> None:
    channels = [Channel(one) for one in load_deployment(ROOT / "config.yml", tree).settings.channels.values()]
    table = next(text for path, text in documents(channels).items() if "configuration" in path.name)
    assert re.findall(r"^\| `[^|]+` \|  \|", table, re.MULTILINE) == []


def test_every_kind_of_problem_is_described() -> None:
    raised = set()
    for path in (ROOT / "intake_bot").rglob("*.py"):
        raised |= set(re.findall(r"Problem\(\s*\d{3},\s*\"([a-z-]+)\"", path.read_text(encoding="utf-8")))
    described = set(re.findall(r"^\| `([a-z-]+)`", (ROOT / "docs" / "problems.md").read_text("utf-8"), re.MULTILINE))
    assert described - {"http"} == raised - {"http"}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_command_is_in_the_readme(readme: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "intake_bot", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    commands = re.findall(r"^[│ |]*([a-z]+) {2,}", told, re.MULTILINE)
    assert {"serve", "check", "ingest", "nlu"} <= set(commands)
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert [one for one in commands if not re.search(rf"`{one}[ `]", text)] == []


@pytest.mark.parametrize("path", sorted(str(one.relative_to(ROOT)) for one in ROOT.glob("*.md")))
def test_links_lead_somewhere(path: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / path).read_text(encoding="utf-8")):
        assert (ROOT / Path(path).parent / target).exists(), f"{path} points to {target}"


def test_every_test_that_the_table_of_guards_names_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    files = {one.name: one.read_text(encoding="utf-8") for one in (ROOT / "tests").rglob("test_*.py")}
    assert len(named) > 25
    assert [(file, test) for file, test in named if f"def {test}(" not in files.get(file, "")] == []
