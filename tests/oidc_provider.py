"""A small OpenID provider over real HTTP, strict where a real one is, that can be told to answer wrongly."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

CLIENT = "intake"
SECRET = "obviously-invented-secret-of-the-portal"


def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """`person`: what is vouched for. `changes`: claims that replace the right ones (None: left out)."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "operator.x", "name": "坐席甲"})
    changes: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey | OctKey = field(default_factory=lambda: rsa_key("first"))
    algorithm: str = "RS256"
    published: list[RSAKey | ECKey] = field(default_factory=list)
    methods: list[str] = field(default_factory=lambda: ["client_secret_basic"])
    said_issuer: str = ""
    broken: bool = False
    unsigned: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    fetched: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    async def configuration(self, _: web.Request) -> web.Response:
        self.fetched += 1
        if self.broken:
            return web.Response(text="<html>维护中</html>", content_type="text/html", status=503)
        return web.json_response(
            {
                "issuer": self.said_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": self.methods,
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet(list(self.published)).as_dict(private=False))

    async def authorize(self, request: web.Request) -> web.Response:
        """Whoever comes is signed in already, as people at their bureau's portal are."""
        asked = dict(request.query)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"
        return web.Response(status=302, headers={"Location": back})

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self._codes.pop(str(form["code"]), None)
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        proof = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != proof or asked["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not self._is_client(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response(
            {"token_type": "Bearer", "access_token": "unused", "id_token": self._id_token(asked["nonce"])}
        )

    def _is_client(self, request: web.Request, form: Any) -> bool:
        if "client_secret_basic" in self.methods:
            return request.headers.get("Authorization") == encode_basic_auth(CLIENT, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "0001",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            **self.person,
            **self.changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.unsigned:
            return ".".join((_part({"alg": "none"}), _part(claims), ""))
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.key, algorithms=[self.algorithm])


def _part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(web.json_response(data).body or b"").decode().rstrip("=")  # type: ignore[arg-type]


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    """A provider that listens on this machine."""
    provider = Provider()
    assert not isinstance(provider.key, OctKey)
    provider.published = [provider.key]
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.configuration)
    app.router.add_get("/keys", provider.keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    async with TestServer(app) as server:
        provider.issuer = str(server.make_url("")).rstrip("/")
        yield provider
