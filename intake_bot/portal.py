"""Signing in with the bureau's portal: OpenID Connect, authorization code with PKCE. Not: whose account it is (`pages.portal`).

What must be remembered between going to the portal and coming back travels in a signed cookie, so any process can go on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import msgspec
import structlog
from aiohttp import web
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, OctKey

from intake_bot.house import House
from intake_bot.outgoing import Outgoing, beginning, why
from intake_bot.pages_settings import PortalSettings

log = structlog.get_logger()

SIGNED_WITH = ["RS256", "ES256"]
"""How an ID token may be signed; never by a shared secret, never not at all."""
SKEW_SECONDS = 60
"""By how much the portal's clock may differ from ours."""
ATTEMPT_LASTS = timedelta(minutes=10)
"""How long somebody may take to sign in at the portal."""
KEPT = timedelta(hours=1)
"""How long the portal's addresses and keys are used before they are asked for again."""
PATIENCE = aiohttp.ClientTimeout(total=10)
LARGEST_ANSWER = 1_048_576


class PortalFailed(Exception):
    """The sign-in did not come about; the message is for the person, in Chinese. `status` is that of the page."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the portal and back. `wanted`: the page of ours to go on to."""

    state: str
    nonce: str
    verifier: str
    wanted: str


@dataclass(frozen=True, slots=True)
class _Provider:
    """What the portal says of itself."""

    authorization: str
    token: str
    jwks: str
    secret_in_body: bool
    keys: KeySet
    fetched_at: datetime


class Portal:
    """One portal as one process sees it. `ready` is False while the secret's variable is not set."""

    def __init__(self, settings: PortalSettings, secret: str, now: Callable[[], datetime], outgoing: Outgoing) -> None:
        self.settings = settings
        self._secret = secret
        self._now = now
        self._outgoing = outgoing
        self._known: _Provider | None = None

    @property
    def ready(self) -> bool:
        return bool(self._secret)

    async def begin(self, redirect_uri: str, wanted: str) -> tuple[str, str]:
        """The portal's address to go to, and the value of the cookie to come back with. Raises PortalFailed."""
        provider = await self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, wanted)
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(provider.authorization).query else "?"
        return f"{provider.authorization}{joint}{urlencode(asked)}", self._sealed(attempt)

    def _sealed(self, attempt: Attempt) -> str:
        expires = int((self._now() + ATTEMPT_LASTS).timestamp())
        return jwt.encode({"alg": "HS256"}, {**asdict(attempt), "exp": expires}, self._cookie_key())

    def attempt_of(self, cookie: str, state: str) -> Attempt:
        """The attempt that this browser began. Raises PortalFailed: none, too old, or another's."""
        message = "登录已超时，或不是从本页发起的，请重新登录"
        try:
            claims = jwt.decode(cookie, self._cookie_key(), algorithms=["HS256"]).claims
            jwt.JWTClaimsRegistry(now=self._seconds(), exp={"essential": True}).validate(claims)
            attempt = Attempt(*(str(claims[name]) for name in ("state", "nonce", "verifier", "wanted")))
        except (JoseError, ValueError, KeyError):
            raise PortalFailed(message, 400) from None
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise PortalFailed(message, 400)
        return attempt

    def _cookie_key(self) -> OctKey:
        """The same in every process, and of no use at the portal."""
        return OctKey.import_key(hmac.new(self._secret.encode(), b"portal attempt", hashlib.sha256).digest())

    async def claims(self, attempt: Attempt, code: str, redirect_uri: str) -> Mapping[str, Any]:
        """What the portal vouches for about whoever brought `code`, its ID token checked. Raises PortalFailed."""
        provider = await self._provider()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        if provider.secret_in_body:
            form |= {"client_id": self.settings.client_id, "client_secret": self._secret}
        else:
            name, secret = (quote_plus(one) for one in (self.settings.client_id, self._secret))  # RFC 6749, 2.3.1
            headers["Authorization"] = aiohttp.encode_basic_auth(name, secret)
        answer = await self._asked("POST", provider.token, data=form, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            log.error("portal_gave_no_id_token", error=str(answer.get("error", ""))[:80])
            raise PortalFailed("统一门户没有确认您的身份，请重新登录；如仍失败，请联系管理员")
        return await self._verified(provider, token, attempt.nonce)

    async def _verified(self, provider: _Provider, token: str, nonce: str) -> Mapping[str, Any]:
        try:
            try:
                decoded = jwt.decode(token, provider.keys, algorithms=SIGNED_WITH)
            except InvalidKeyIdError:
                # The portal has changed its keys since they were fetched.
                provider = await self._fetched()
                decoded = jwt.decode(token, provider.keys, algorithms=SIGNED_WITH)
            self._check(decoded.claims, nonce)
        except (JoseError, ValueError) as error:
            log.error("portal_token_refused", error=type(error).__name__, detail=str(error)[:200])
            raise PortalFailed(
                "统一门户给出的身份证明没有通过校验，未能登录；请重新登录，如仍失败请联系管理员"
            ) from None
        return decoded.claims

    def _check(self, claims: dict[str, Any], nonce: str) -> None:
        """Raises JoseError or ValueError for a token that is not for us, not now, or not for this attempt."""
        client = self.settings.client_id
        jwt.JWTClaimsRegistry(
            now=self._seconds(),
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        if claims.get("azp", client) != client:
            raise ValueError("the token was issued to another application")

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    async def _provider(self) -> _Provider:
        if self._known is not None and self._known.fetched_at > self._now() - KEPT:
            return self._known
        return await self._fetched()

    async def _fetched(self) -> _Provider:
        """Ask the portal for its addresses and keys. Raises PortalFailed."""
        issuer = self.settings.issuer
        said = await self._asked("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            log.error("portal_issuer_differs", configured=issuer, said=str(said.get("issuer"))[:200])
            raise PortalFailed("统一门户公布的签发地址与本系统的配置不一致，请联系管理员", 502)
        addresses = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(isinstance(one, str) and _is_safe(one) for one in addresses):
            log.error("portal_addresses_unusable")
            raise PortalFailed("统一门户公布的地址不可用，请联系管理员", 502)
        authorization, token, jwks = (str(one) for one in addresses)
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        try:
            keys = KeySet.import_key_set(await self._asked("GET", jwks))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.error("portal_keys_unreadable", error=type(error).__name__)
            raise PortalFailed("统一门户公布的密钥无法读取，请联系管理员", 502) from None
        in_body = "client_secret_basic" not in methods
        self._known = _Provider(authorization, token, jwks, in_body, keys, self._now())
        return self._known

    async def _asked(self, method: str, address: str, **arguments: Any) -> dict[str, Any]:
        """The JSON object that an address of the portal answers; also a refusal's. Raises PortalFailed."""
        try:
            async with (
                self._outgoing.session(PATIENCE) as session,
                session.request(method, address, allow_redirects=False, **arguments) as response,
            ):
                content = await beginning(response, LARGEST_ANSWER + 1)
            if len(content) > LARGEST_ANSWER:
                raise ValueError("the answer is too long")
            found = msgspec.json.decode(content)
            if not isinstance(found, dict):
                raise ValueError("the answer is no JSON object")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.error("portal_not_reached", address=address.partition("?")[0], error=why(error))
            raise PortalFailed("统一门户暂时无法访问，请稍后重试，或用账号和口令登录", 502) from None
        return found


def _is_safe(address: str) -> bool:
    """Encrypted on its way, or never leaving this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"})


PORTAL: web.AppKey[Portal | None] = web.AppKey("portal")
"""The portal of this deployment; None where it has none."""


def portal_of(house: House) -> Portal | None:
    """The portal as configured, with its secret from the environment."""
    settings = house.settings.sign_in.portal
    if settings is None:
        return None
    return Portal(settings, os.environ.get(settings.secret_env, ""), house.now, house.outgoing)
