"""Send a sample to a channel, signed as the channel wants it, and print the answer. Python alone, nothing to install.

    INTAKE_SECRET_12345=... python send.py 12345.json http://127.0.0.1:8080/channels/12345/tickets INTAKE_SECRET_12345

The third argument names the environment variable with the secret, which never stands on the command line itself.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def signed(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a request: HMAC-SHA256 over the time, a number used once and the body, joined by line ends."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    message = f"{timestamp}\n{nonce}\n".encode() + body
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Signature": hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(),
    }


def main() -> int:
    if len(sys.argv) != 4:
        sys.stderr.write("用法：python send.py 样例文件 接收地址 密钥所在的环境变量名\n")
        return 2
    file, address, variable = sys.argv[1:]
    secret = os.environ.get(variable, "")
    if not secret:
        sys.stderr.write(f"环境变量 {variable} 没有设置，应与服务端的密钥相同\n")
        return 2
    body = Path(file).read_bytes()
    if not address.startswith(("http://", "https://")):
        sys.stderr.write(f"接收地址应以 http:// 或 https:// 开头，收到的是“{address}”\n")
        return 2
    request = urllib.request.Request(address, body, signed(secret, body), method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    except urllib.error.URLError as unreachable:
        sys.stderr.write(f"无法连接 {address}：{unreachable.reason}\n")
        return 1
    sys.stdout.write(f"{status}\n{text.decode('utf-8', 'replace')}\n")
    return 0 if status < 300 else 1


if __name__ == "__main__":
    sys.exit(main())
