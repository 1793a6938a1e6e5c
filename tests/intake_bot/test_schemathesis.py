"""The running service answers what `/api/openapi.json` promises, whatever is sent. `make fuzz` goes on for longer."""

from __future__ import annotations

import re
from pathlib import Path

from fuzz_service import fuzzed_service, run_schemathesis


async def test_nothing_that_is_sent_breaks_a_promise(tmp_path: Path) -> None:
    async with fuzzed_service(tmp_path) as address:
        status, told = await run_schemathesis(
            address,
            tmp_path,
            *("--phases", "fuzzing", "--max-examples", "6", "--seed", "20261125", "--workers", "2"),
            *("--no-shrink", "--warnings", "off"),
        )
    assert status == 0, told
    tested = re.search(r"Tested: (\d+)", told)
    assert tested is not None and int(tested[1]) > 90, told
