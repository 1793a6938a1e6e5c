"""Rasa's own Python 3.10 environment: where it is, which Python makes it, and its installation with hashes.

Nothing of it enters the service's environment: Rasa pins old libraries.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
ENVIRONMENT = FOLDER / "environment"
REQUIREMENTS = FOLDER / "requirements.txt"
CONFIG = FOLDER / "config.yml"

BOUNDED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "LOG_LEVEL": "ERROR",
    "LOG_LEVEL_LIBRARIES": "ERROR",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUTF8": "1",
}
"""What every Rasa process is given: one thread for each library, and no word to the outside."""

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
_INSTALLING = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT")

Say = Callable[[str], None]


class NoPython(Exception):
    """There is no Python 3.10 on this machine; the message says what to do, in Chinese."""


class InstallationFailed(Exception):
    """pip refused or failed; the message is the end of what it said."""


def python_of(environment: Path = ENVIRONMENT) -> Path:
    """The environment's Python."""
    return environment / "bin" / "python"


def is_installed(environment: Path = ENVIRONMENT) -> bool:
    """Whether the environment holds just what today's requirements say."""
    try:
        return _stamp(environment).read_text(encoding="ascii") == _wanted()
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def install(say: Say, environment: Path = ENVIRONMENT) -> None:
    """Make the environment, or bring it up to date; at once done when it is. Raises NoPython, InstallationFailed."""
    if is_installed(environment):
        return
    python = find_python()
    if environment.exists():
        shutil.rmtree(environment)
    say(f"用 {python} 建立 Rasa 的 Python 3.10 环境")
    _run([str(python), "-m", "venv", str(environment)])
    say("安装 Rasa 及其依赖（约 2.7 GB，首次需要几分钟）")
    pip = [str(python_of(environment)), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    _run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)])
    _stamp(environment).write_text(_wanted(), encoding="ascii")


def find_python() -> Path:
    """A Python 3.10 with venv. Raises NoPython."""
    for candidate in _candidates():
        if _is_fit(candidate):
            return candidate
    raise NoPython(
        "没有找到 Python 3.10（Rasa 3.6 只能用它）：请安装 python3.10 和 python3.10-venv，"
        "或运行 pyenv install 3.10 或 uv python install 3.10"
    )


def bounded_environment(folder: Path) -> dict[str, str]:
    """The environment variables of a Rasa process: none of the service's secrets among them.

    `folder`: what Rasa takes for its home and for temporary files; it leaves some behind.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | BOUNDED | {"HOME": str(folder), "TMPDIR": str(folder)}


def _candidates() -> Iterator[Path]:
    found = shutil.which("python3.10")
    if found:
        yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(root.glob("versions/3.10*/bin/python"), reverse=True)
    uv = shutil.which("uv")
    if uv:
        asked = subprocess.run(  # noqa: S603 (found on the PATH)
            [uv, "python", "find", "3.10"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            yield Path(asked.stdout.strip())


def _is_fit(python: Path) -> bool:
    """A pyenv shim of a version that is not switched on is on the PATH, but fails."""
    try:
        asked = subprocess.run(  # noqa: S603 (a Python of this machine)
            [str(python), "-c", "import sys, venv, ensurepip; print(sys.version_info[:2] == (3, 10))"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.stdout.strip() == "True"


def _run(command: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_INSTALLING)}
    done = subprocess.run(  # noqa: S603 (our own commands)
        command, capture_output=True, text=True, check=False, env=kept
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-10:])
        raise InstallationFailed(f"{command[-1]} 未能完成：\n{last}")


def _stamp(environment: Path) -> Path:
    return environment / "installed"


def _wanted() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
