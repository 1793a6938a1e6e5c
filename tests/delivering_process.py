"""A process that delivers what is due as the service does: `python delivering_process.py DATABASE_URL PLATFORM_ADDRESS`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import fields
from datetime import UTC, datetime

import aiohttp
from service import ROOT
from timer_processes import at_each_moment

from intake_bot.delivery import Delivery
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import load_deployment
from nlu.categories import load_categories


class TimedHouse(House):
    """A house that is told the time."""

    moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment


async def deliver(url: str, platform: str) -> None:
    os.environ["DATABASE_URL"] = url
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as opened:
        house = TimedHouse(**{one.name: getattr(opened, one.name) for one in fields(opened)})
        settings = house.settings.delivery.model_copy(update={"platforms": {"12345": platform}})
        delivery = Delivery(house, settings)

        async def deliver_all(now: datetime) -> None:
            TimedHouse.moment = now
            async with aiohttp.ClientSession() as session:
                while await delivery.deliver_due(session):
                    pass

        await at_each_moment(deliver_all)


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1], sys.argv[2]))
