"""The floor of the intake path: a bare aiohttp handler that parses the same JSON and commits as many rows with sqlite3.

Nothing is verified, understood or routed, and every request commits by itself, with the service's own durability.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import uvloop
from aiohttp import web


def build(path: Path, rows: int) -> web.Application:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE sent (id INTEGER PRIMARY KEY, number TEXT, place INTEGER, body TEXT)")

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        said = json.loads(body)
        members = said if isinstance(said, list) else [said]
        connection.execute("BEGIN IMMEDIATE")
        for member in members:
            text = json.dumps(member, ensure_ascii=False)
            connection.executemany(
                "INSERT INTO sent (number, place, body) VALUES (?, ?, ?)",
                [(member["orderNum"], place, text if place == 0 else "") for place in range(rows)],
            )
        connection.execute("COMMIT")
        return web.json_response({"ticket_no": members[0]["orderNum"]}, status=201)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/channels/12345/tickets", take)
    return app


async def main(path: Path, rows: int) -> None:
    runner = web.AppRunner(build(path, rows), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
