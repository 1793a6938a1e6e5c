"""`intake-bot` as people type it: a command in a process of its own, or in this one where starting another proves nothing."""

from __future__ import annotations

import os
import subprocess
import sys

from service import ROOT
from typer.testing import CliRunner

from intake_bot.cli import app


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    """A command's standard output; its exit code must be `code`. With another code: what it said on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "intake_bot", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=280,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def run_here(*arguments: str, code: int = 0, **environment: str) -> str:
    """The same without starting another process, which takes seconds; for a command that another test starts."""
    done = CliRunner(env={"COLUMNS": "200", "CONFIG": str(ROOT / "config.yml"), **environment}).invoke(app, arguments)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr
