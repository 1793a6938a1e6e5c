"""Going back to another model by its button, on a shelf of the test's own."""

from __future__ import annotations

import pytest
from browser import Site
from playwright.async_api import expect

from domain.administration import Deed
from domain.people import Role
from intake_bot.settings import Deployment
from nlu.models import ModelShelf
from storage.account_events import AccountEventFilter


@pytest.fixture
def deployment(two_models: Deployment, environment: pytest.MonkeyPatch, database_url: str) -> Deployment:
    environment.setenv("DATABASE_URL", database_url)
    return two_models


async def test_another_version_is_chosen_by_its_button(site: Site, two_models: Deployment) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    await visitor.goto("/admin/models")
    twin = visitor.page.get_by_role("row", name="2000-01-01-twin")
    await expect(twin.get_by_text("选用", exact=True)).to_have_count(0)
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    await twin.get_by_role("button", name="改用：2000-01-01-twin").click()
    if await visitor.page.get_by_role("dialog").count():
        await visitor.page.get_by_role("dialog").get_by_role("button", name="确定").click()
    await expect(twin.get_by_text("选用", exact=True)).to_be_visible()
    assert ModelShelf(two_models.path("models")).current() == "2000-01-01-twin"
    (entry,), _ = await site.house.store.account_events.find(AccountEventFilter(deed=Deed.MODEL_CHOSEN), limit=5)
    assert entry.actor == "administrator.one"
