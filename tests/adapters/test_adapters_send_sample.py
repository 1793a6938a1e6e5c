"""The shipped script that signs a sample and sends it, against a real server that checks the signature."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from adapters.signature import BadSignature, verify

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
SECRET = "an invented secret"


class Platform(BaseHTTPRequestHandler):
    """Answers 201 to what is signed and 401 to what is not, in Chinese."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        timestamp, nonce, signature = (self.headers[f"X-{name}"] for name in ("Timestamp", "Nonce", "Signature"))
        now = datetime.now(UTC)
        try:
            verify(SECRET, timestamp=timestamp, nonce=nonce, signature=signature, body=body, now=now)
            status = 201
        except BadSignature:
            status = 401
        answer = f'{{"why": "收到 {len(body)} 字节"}}'.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/channels/12345/tickets"
    server.shutdown()
    server.server_close()


def sent(*arguments: str, secret: str = SECRET) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "INTAKE_SECRET_12345": secret, "PYTHONIOENCODING": "utf-8", "no_proxy": "*"}
    command = [sys.executable, str(SAMPLES / "send.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.mark.parametrize("sample", ["12345.json", "12345-array.json"])
def test_a_sample_is_signed_and_its_answer_printed(address: str, sample: str) -> None:
    done = sent(str(SAMPLES / sample), address, "INTAKE_SECRET_12345")
    size = (SAMPLES / sample).stat().st_size
    assert (done.returncode, done.stdout) == (0, f'201\n{{"why": "收到 {size} 字节"}}\n')


def test_a_refusal_is_printed_too(address: str) -> None:
    done = sent(str(SAMPLES / "12345.json"), address, "INTAKE_SECRET_12345", secret="another")
    assert (done.returncode, done.stdout[:3]) == (1, "401")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "用法"),
        (["12345.json", "http://127.0.0.1:9/x", "INTAKE_SECRET_UNSET"], "INTAKE_SECRET_UNSET 没有设置"),
        (["12345.json", "127.0.0.1:9/x", "INTAKE_SECRET_12345"], "http:// 或 https://"),
        (["12345.json", "http://127.0.0.1:9/x", "INTAKE_SECRET_12345"], "无法连接"),
    ],
)
def test_a_mistake_is_told_in_words(arguments: list[str], told: str) -> None:
    done = sent(*[str(SAMPLES / one) if one.endswith(".json") else one for one in arguments])
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
