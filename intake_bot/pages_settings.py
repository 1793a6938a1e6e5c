"""The `sign_in`, `map` and `pages` parts of `config.yml`: what the pages offer, and who gets in."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from intake_bot.section import Section


class PortalSettings(Section):
    """A portal of the bureau's own (OpenID Connect) that people sign in with. It must answer RS256 or ES256."""

    issuer: str = Field(
        pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s?#]*)?)$",
        description="门户的签发地址（issuer），须与门户公布的一字不差",
    )
    client_id: str = Field(min_length=1, description="本系统在门户登记的应用编号")
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="存放应用密钥的环境变量名")
    button: str = Field(default="用统一门户登录", min_length=2, max_length=20, description="登录页上按钮的文字")
    scopes: tuple[str, ...] = Field(default=("openid", "profile"), description="向门户申请的范围，须含 openid")
    account_claim: str = Field(default="preferred_username", min_length=1, description="身份令牌中哪一项是本系统的账号")
    name_claim: str = Field(default="name", min_length=1, description="身份令牌中哪一项是姓名（由门户建账号时用）")
    role_claim: str = Field(
        default="", description="身份令牌中哪一项决定角色；不填则只有本系统已有的账号可以登录，角色以本系统为准"
    )
    roles: dict[str, Literal["operator", "brigade", "supervisor", "administrator"]] = Field(
        default_factory=dict, description="role_claim 的值到角色；有几个值相符时取写在前面的"
    )
    unit_claim: str = Field(default="", description="身份令牌中哪一项是大队队员所在单位的代码")

    @field_validator("scopes")
    @classmethod
    def _openid(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in written:
            raise ValueError("应含 openid，例如 [openid, profile]")
        return written

    @model_validator(mode="after")
    def _whole(self) -> PortalSettings:
        if bool(self.role_claim) != bool(self.roles):
            raise ValueError("role_claim 和 roles 应同时填写或同时不填")
        if "brigade" in self.roles.values() and not self.unit_claim:
            raise ValueError("roles 中有 brigade 时，应填写 unit_claim（所在单位取自身份令牌的哪一项）")
        return self


class SignInSettings(Section):
    """How long somebody stays signed in on the pages, and whether a portal vouches for people."""

    idle_minutes: int = Field(default=30, ge=5, le=720, description="多少分钟无操作自动退出")
    longest_hours: int = Field(default=12, ge=1, le=72, description="一次登录最长多少小时")
    portal: PortalSettings | None = Field(default=None, description="统一门户登录；不填则只用账号和口令")


class MapSettings(Section):
    """The map on the pages. Cells are always drawn; a background of tiles is optional."""

    tiles: str = Field(
        default="",
        pattern=r"^(https?://[^\s]+\{z\}[^\s]*)?$",
        description="底图瓦片地址，如 https://tiles.example.gov.cn/{z}/{x}/{y}.png；不填则只画网格",
    )
    attribution: str = Field(default="", description="底图的版权说明，显示在地图一角")

    @property
    def tile_origin(self) -> str:
        """The site that tiles come from, as pages must allow it; `{s}` stands for any of its hosts."""
        parts = urlsplit(self.tiles.replace("{s}", "*"))
        return f"{parts.scheme}://{parts.netloc}" if self.tiles else ""


class PhraseSettings(Section):
    """A sentence that a handler can put into a result with one tap, to be completed there."""

    text: str = Field(min_length=2, max_length=200, description="常用语，办结时点选后可再修改")
    matters: tuple[str, ...] = Field(
        default=(), description="只用于这些事项：分类代码，或一级、二级分类名称；不写则各类事项都可用"
    )


class PagesSettings(Section):
    """What the pages offer."""

    phrases: tuple[PhraseSettings, ...] = Field(default=(), description="办理结果常用语")
