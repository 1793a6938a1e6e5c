"""`make audit`: whether a library that we lock has a known weakness. It asks the advisory services of PyPI and npm.

Exit status: 0 where everything was looked up and nothing is known, 1 for a weakness, 2 where something could not be looked
up. Not part of `make test`: what is known changes from day to day, and the services are not to be reached from everywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "intake_bot" / "pages"
LOCKED = ("requirements.txt", "requirements-dev.txt", "requirements-npm.txt", "nlu/rasa/requirements.txt")
MOST_NAMED = 5


@dataclass
class Account:
    """What was found: weaknesses, and what could not be looked up."""

    looked_up: int = 0
    weak: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        return 1 if self.weak else 2 if self.unknown else 0


def of_pip_audit(told: str, errors: str) -> Account:
    """pip-audit's JSON. A package that its service does not know counts as not looked up: a mirror without the service
    answers so for every one, and pip-audit itself then says that nothing is known."""
    try:
        packages: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Account(unknown=(_last_line(errors) or "pip-audit gave no answer",))
    skipped = tuple(one["name"] for one in packages if "skip_reason" in one)
    weak = tuple(
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'no version yet'}"
        for one in packages
        for known in one.get("vulns", ())
    )
    return Account(len(packages) - len(skipped), weak, tuple(f"{one}: not known to the service" for one in skipped))


def of_npm_audit(told: str, errors: str) -> Account:
    """npm's JSON."""
    try:
        answer = json.loads(told)
        found, count = answer["vulnerabilities"], answer["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError, TypeError):
        return Account(unknown=(_first_line(errors) or "npm gave no answer",))
    return Account(count, tuple(f"{name}: {one['severity']}, {one['range']}" for name, one in found.items()))


def audits() -> Iterator[tuple[str, Account]]:
    """Each file that locks libraries, asked about."""
    for name in LOCKED:
        command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
        done = _run([*command, "--format", "json", "--requirement", str(ROOT / name)], ROOT)
        yield name, of_pip_audit(done.stdout, done.stderr)
    done = _run(["npm", "audit", "--json"], PAGES)
    yield "intake_bot/pages/package-lock.json", of_npm_audit(done.stdout, done.stderr)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


def _last_line(text: str) -> str:
    return _first_line("\n".join(reversed(text.splitlines())))


def main() -> int:
    """Print what was found, and give the exit status."""
    status = set()
    for name, account in audits():
        print(f"== {name}: {account.looked_up} looked up, {len(account.weak)} with a known weakness")
        for one in account.weak:
            print(f"   WEAK  {one}")
        if account.unknown:
            named = "; ".join(account.unknown[:MOST_NAMED])
            print(f"   NOT LOOKED UP ({len(account.unknown)}): {named}{' …' if account.unknown[MOST_NAMED:] else ''}")
        status.add(account.status)
    if 2 in status:
        print("The advisory service could not be reached, or does not know everything: this says nothing of what is")
        print("named as not looked up. Run it where PyPI and the npm registry themselves can be reached.")
    return 1 if 1 in status else 2 if 2 in status else 0


if __name__ == "__main__":
    sys.exit(main())
