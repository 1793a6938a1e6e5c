"""A lean HTTP client for load on loopback: so many connections, each sending its next request when the last is answered."""

from __future__ import annotations

import asyncio
import json
import math
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.signature import sign

PATH = "/channels/12345/tickets"


@dataclass(frozen=True, slots=True)
class Load:
    """What a round of requests came to. `complaints` were answered in `requests`, in `seconds`; latencies are in seconds."""

    requests: int
    complaints: int
    seconds: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        return self.complaints / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def bodies(texts: Sequence[str], count: int, members: int, seed: int) -> list[bytes]:
    """JSON bodies of 12345 complaints: objects, or arrays of `members` where that is more than one."""
    choice = random.Random(seed)
    made = []
    for number in range(count):
        # No hyphen: the channel reads what follows one as the number of a re-handling of the same ticket.
        several = [_complaint(choice.choice(texts), f"B{seed}N{number}M{member}") for member in range(members)]
        made.append(json.dumps(several if members > 1 else several[0], ensure_ascii=False).encode())
    return made


def _complaint(text: str, number: str) -> dict[str, Any]:
    return {
        "orderNum": number,
        "title": text[:18],
        "majorContent": text,
        "callerType": "投诉",
        "urgency": "一般",
        "callerName": "测试市民",
        "callerPhone": "13800000000",
        "isSecret": "0",
        "callTime": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 7 * 3600)),
        "address": "凤凰镇恬庄村",
        "addressPoints": "120.6386,31.7524",
    }


def requests(made: Sequence[bytes], secret: str, host: str) -> list[bytes]:
    """Whole HTTP requests, signed ahead so that signing costs the client nothing while it is measured."""
    timestamp = str(int(time.time()))
    ready = []
    for body in made:
        nonce = secrets.token_hex(12)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-Signature: {sign(secret, timestamp, nonce, body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


async def send(
    host: str, port: int, ready: Sequence[bytes], clients: int, members: int, seconds: float = math.inf
) -> Load:
    """Send everything over `clients` connections, or what can be begun within `seconds`.

    Raises RuntimeError at an answer that is not 2xx.
    """
    waiting = iter(ready)
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            for request in waiting:
                started = time.perf_counter()
                if started > ends:
                    break
                writer.write(request)
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError as closed:
                    if closed.partial:
                        raise
                    # The server had ended the idle connection: as every client does, open another and send again.
                    reader, writer = await asyncio.open_connection(host, port)
                    writer.write(request)
                    head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                answer = await reader.readexactly(length)
                latencies.append(time.perf_counter() - started)
                if not head.startswith(b"HTTP/1.1 2"):
                    raise RuntimeError(f"{head.splitlines()[0].decode()}: {answer.decode()[:300]}")
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    answered = len(latencies)
    return Load(answered, answered * members, time.perf_counter() - started, tuple(latencies))
