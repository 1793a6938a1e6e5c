"""The composition: one object that holds every room of a running service. `build` wires them from the settings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.channel import Channel
from adapters.manual import ManualEntry
from domain.category import CategoryTree
from domain.understanding import Engine
from domain.worktime import WorkCalendar
from intake_bot.absences import KnownAbsences
from intake_bot.conversation.questions import QuestionBook, load_questions
from intake_bot.counters import Counters
from intake_bot.keys import VARIABLE, find_keyring, key_file, make_key_file
from intake_bot.outgoing import Outgoing
from intake_bot.planning import RouterPlanner
from intake_bot.settings import Deployment, Settings
from intake_bot.wechat import WechatAccount
from intake_bot.wecom import WecomAccount
from router.route import Router
from storage.keyring import BadKeyring, Keyring
from storage.keys import WrongKeyring, was_sealed
from storage.migrate import upgrade
from storage.store import Store

SHORTEST_ADMIN_TOKEN = 32
"""INTAKE_ADMIN_TOKEN below this many characters is refused at start: it opens everything."""


@dataclass(frozen=True, slots=True)
class House:
    """Every room of the service, wired. Holds no state that another process would need."""

    deployment: Deployment
    tree: CategoryTree
    calendar: WorkCalendar
    router: Router
    planner: RouterPlanner
    engine: Engine
    store: Store
    absences: KnownAbsences
    channels: Mapping[str, Channel]
    manual_entry: ManualEntry
    wechat: WechatAccount | None
    wecom: WecomAccount | None
    questions: QuestionBook
    secrets: Mapping[str, str]
    admin_token: str
    counters: Counters

    @property
    def settings(self) -> Settings:
        return self.deployment.settings

    @property
    def outgoing(self) -> Outgoing:
        """How other systems are called."""
        return Outgoing.of(self.settings)

    def now(self) -> datetime:
        return datetime.now(UTC)


class CannotStart(Exception):
    """Something outside the configuration keeps the service from starting; the message says what to do, in Chinese."""


def the_keyring(deployment: Deployment) -> Keyring:
    """The keyring that a deployment has. Raises CannotStart where it has none, or one that cannot be read."""
    try:
        found = find_keyring(deployment)
    except BadKeyring as error:
        raise CannotStart(str(error)) from None
    if found is None:
        raise CannotStart(f"没有数据加密密钥：请把密钥文件放回 {key_file(deployment)}，或设置环境变量 {VARIABLE}")
    return found


@asynccontextmanager
async def open_store(deployment: Deployment) -> AsyncIterator[Store]:
    """The migrated database, opened with the keys that it was sealed with; at the first start they are made.

    Raises CannotStart where they are missing or others.
    """
    url = deployment.database_url
    await upgrade(url)
    try:
        if find_keyring(deployment) is None and not await was_sealed(url):
            make_key_file(deployment)
        store = await Store.open(url, the_keyring(deployment), ticket_prefix=deployment.settings.bureau.ticket_prefix)
        try:
            await store.keys.adopt(datetime.now(UTC))
            yield store
        finally:
            await store.close()
    except (BadKeyring, WrongKeyring) as error:
        raise CannotStart(str(error)) from None


@asynccontextmanager
async def open_house(deployment: Deployment, tree: CategoryTree, engine: Engine) -> AsyncIterator[House]:
    """Migrate the database and wire the rooms; on leaving, drain and close them."""
    settings = deployment.settings
    admin_token = os.environ.get("INTAKE_ADMIN_TOKEN", "")
    if admin_token and len(admin_token) < SHORTEST_ADMIN_TOKEN:
        raise CannotStart(
            f"环境变量 INTAKE_ADMIN_TOKEN 太短：至少 {SHORTEST_ADMIN_TOKEN} 个字符，请换一个足够长的随机串"
        )
    calendar = settings.calendar.work_calendar()
    router = Router(settings.router, deployment.boundaries, tree, calendar)
    absences = KnownAbsences()
    async with open_store(deployment) as store:
        wechat, wecom = _wechat(settings, store), _wecom(settings, store)
        try:
            await absences.refresh(store, datetime.now(UTC))
            yield House(
                deployment=deployment,
                tree=tree,
                calendar=calendar,
                router=router,
                planner=RouterPlanner(router, tree, absences.now_known),
                engine=engine,
                store=store,
                absences=absences,
                channels={code: Channel(one) for code, one in settings.channels.items()},
                manual_entry=ManualEntry(),
                wechat=wechat,
                wecom=wecom,
                questions=load_questions(deployment.path(settings.conversation.questions)),
                secrets=deployment.secrets,
                admin_token=admin_token,
                counters=Counters(),
            )
        finally:
            for account in (wechat, wecom):
                if account is not None:
                    await account.close()


def _wechat(settings: Settings, store: Store) -> WechatAccount | None:
    """The official account, where one is configured."""
    if not settings.wechat.app_id:
        return None
    try:
        return WechatAccount(settings.wechat, store, Outgoing.of(settings))
    except ValueError as error:
        raise CannotStart(f"环境变量 {settings.wechat.aes_key_env}：{error}") from None


def _wecom(settings: Settings, store: Store) -> WecomAccount | None:
    """Our application in 企业微信, where one is configured."""
    if not settings.wecom.corp_id:
        return None
    try:
        return WecomAccount(settings.wecom, store, Outgoing.of(settings))
    except ValueError as error:
        raise CannotStart(f"环境变量 {settings.wecom.aes_key_env}：{error}") from None
