"""A process that answers one turn and dies by SIGKILL between two steps of it; not a test itself.

Arguments: `after_noting` or `after_filing`, the person's key, the number of the turn.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

from conversation.played_scripts import BEGINS
from service import ROOT

from intake_bot.conversation import dialogue
from intake_bot.conversation.doing import do
from intake_bot.conversation.state import Pending, State
from intake_bot.conversation.telling import Done
from intake_bot.conversation.turns import Person, Turn
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import load_deployment
from nlu.categories import load_categories


async def main(moment: str, key: str, number: int) -> None:
    async def dying(house: House, state: State, pending: Pending) -> Done:
        if moment == "after_filing":
            await do(house, state, pending)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    dialogue.do = dying
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        turn = Turn(f"turn-{number}", BEGINS + number * timedelta(seconds=30), choice="submit")
        await dialogue.converse(house, Person("web", key), turn)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
