"""Where the keys come from that what people told us is sealed with: the environment, or a file made at the first start.

Not: sealing (`storage.sealing`), nor which keys a database was sealed with (`storage.keys`).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from intake_bot.settings import Deployment
from storage.keyring import BadKeyring, Keyring, new_keyring, parsed

VARIABLE = "INTAKE_KEYS"

_HEADING = """\
# 凤凰镇综合执法局诉求受理平台的数据加密密钥。没有它，数据库和备份里的诉求内容、姓名、电话都打不开。
# 请另存一份到安全的地方（不要与数据库备份放在一起），不要发给任何人；几台服务器共用一个数据库时，文件须完全相同。
"""


def find_keyring(deployment: Deployment) -> Keyring | None:
    """The keyring of a deployment; None where there is none yet. Raises BadKeyring, saying where and what is wrong."""
    if written := os.environ.get(VARIABLE, ""):
        try:
            return Keyring(*parsed(written))
        except BadKeyring as error:
            raise BadKeyring(f"环境变量 {VARIABLE}：{error}") from None
    file = key_file(deployment)
    return Keyring(*_read(file), lambda: _read(file)) if file.exists() else None


def make_key_file(deployment: Deployment) -> None:
    """Make the key file; one that another process has just made stays. Raises BadKeyring where it cannot be written."""
    write_keys(key_file(deployment), new_keyring(), replace=False)


def write_keys(file: Path, keyring: Keyring, *, replace: bool) -> None:
    """Write a key file whole or not at all, for its owner only. Without `replace` one that is there stays as it is."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, prefix=file.name, delete=False, encoding="utf-8"
        ) as part:
            part.write(_HEADING + keyring.spelled())
            part.flush()
            os.fsync(part.fileno())
        if replace:
            Path(part.name).replace(file)
            return
        with contextlib.suppress(FileExistsError):
            os.link(part.name, file)
        Path(part.name).unlink()
    except OSError as error:
        raise BadKeyring(f"不能写密钥文件 {file}：{error.strerror}") from None


def key_file(deployment: Deployment) -> Path:
    return deployment.path(deployment.settings.privacy.key_file)


def from_environment() -> bool:
    """Whether the keys stand in the environment, where no command can change them."""
    return bool(os.environ.get(VARIABLE, ""))


def _read(file: Path) -> tuple[Mapping[int, bytes], bytes]:
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except BadKeyring as error:
        raise BadKeyring(f"密钥文件 {file}：{error}") from None
    except (OSError, UnicodeDecodeError):
        raise BadKeyring(f"密钥文件 {file} 打不开，请确认运行本服务的用户可以读取它") from None
