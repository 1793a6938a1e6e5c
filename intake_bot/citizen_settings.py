"""The `conversation`, `wechat` and `open311` parts of `config.yml`: how citizens reach us by themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from intake_bot.section import Section


class ConversationSettings(Section):
    """How citizens are answered on our page and in WeChat."""

    questions: str = Field(default="questions.yml", description="问答文件（相对 config.yml）")
    hotline: str = Field(default="12345", pattern=r"^[0-9-]{3,13}$", description="市民想找人工时可拨打的电话")
    keep_days: int = Field(default=90, ge=1, le=3650, description="对话无人继续多少天后删除（工单不受影响）")


class WechatSettings(Section):
    """The official account, and how it is told things. Without an AppID there is none."""

    app_id: str = Field(default="", pattern=r"^(wx[0-9a-z]{4,32})?$", description="公众号 AppID；不填则不接公众号")
    mode: Literal["plain", "compatible", "safe"] = Field(
        default="safe", description="消息加解密方式：plain 明文，compatible 兼容，safe 安全（推荐）"
    )
    token_env: str = Field(
        default="INTAKE_WECHAT_TOKEN", pattern=r"^[A-Z0-9_]+$", description="存放服务器配置 Token 的环境变量名"
    )
    aes_key_env: str = Field(
        default="INTAKE_WECHAT_AES_KEY", pattern=r"^[A-Z0-9_]+$", description="存放 EncodingAESKey 的环境变量名"
    )
    secret_env: str = Field(
        default="INTAKE_WECHAT_SECRET",
        pattern=r"^[A-Z0-9_]+$",
        description="存放 AppSecret 的环境变量名；未设置则不主动告知进展、不收照片",
    )
    api: str = Field(
        default="https://api.weixin.qq.com", pattern=r"^https?://[^\s]+[^/]$", description="公众平台接口地址"
    )
    template: str = Field(default="", description="进展通知的模板消息编号；不填则只发客服消息（48 小时内有过对话的人）")
    template_fields: dict[str, Literal["ticket_no", "matter", "status", "text", "time"]] = Field(
        default_factory=dict, description="模板的字段名到内容：ticket_no、matter、status、text、time"
    )


class Open311Settings(Section):
    """The open standard for municipal reports, GeoReport v2."""

    enabled: bool = Field(
        default=False,
        description="开放 /open311/v2：任何人可查诉求的事项和办理状态（不含诉求人、内容、保密件、举报件）",
    )
