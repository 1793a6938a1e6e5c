"""A process that makes the backup that is due as the service's timer does: `python backing_up_process.py CONFIG`."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from sealing_keys import KEYRING
from timer_processes import at_each_moment

from intake_bot.backups import back_up_due
from intake_bot.settings import load_deployment
from nlu.categories import load_categories
from storage.store import Store


async def follow(config: Path) -> None:
    deployment = load_deployment(config, load_categories())
    store = await Store.open(deployment.database_url, KEYRING)
    await at_each_moment(partial(back_up_due, deployment, store))
    await store.close()


if __name__ == "__main__":
    asyncio.run(follow(Path(sys.argv[1])))
