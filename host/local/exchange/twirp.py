"""Twirp over HTTP: routes, content types, tokens, protobuf and JSON."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import jwt
from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from livekit import api

from host.local.exchange.errors import TwirpError

PREFIX = "/twirp/livekit.SIP/"

log = logging.getLogger(__name__)

Answer = Callable[[Message, api.access_token.Claims], Awaitable[Message]]


@dataclass(frozen=True)
class Method:
    """One API method: request type, required grant, handler."""

    request: type[Message]
    grant: str
    """`admin` or `call`: field of the token's `sip` grant."""
    answer: Callable[..., Awaitable[Message]]
    """Called with the request and the token's claims."""


class TwirpServer:
    """Serves `POST /twirp/livekit.SIP/<Method>`."""

    def __init__(self, methods: dict[str, Method], api_key: str, api_secret: str) -> None:
        self._methods = methods
        self._verifier = api.TokenVerifier(api_key, api_secret)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request; errors are JSON, the only form that the SDKs parse."""
        try:
            claims = claims_of(request, self._verifier)
        except jwt.InvalidTokenError as error:
            # livekit-server repeats the token here, which must not end up in a log.
            return web.Response(status=401, text=f"invalid token: error: {error}")
        try:
            method, binary = self._method(request)
            if claims is None or not getattr(claims.sip, method.grant):
                raise TwirpError("unauthenticated", "permissions denied")
            message = decode(method.request(), await request.read(), binary)
            answer = await method.answer(message, claims)
        except TwirpError as error:
            return web.json_response(error.body(), status=error.http_status)
        except Exception as error:
            log.exception("%s failed", request.path)
            return web.json_response({"code": "internal", "msg": str(error)}, status=500)
        if binary:
            return web.Response(
                body=answer.SerializeToString(), content_type="application/protobuf"
            )
        text = json_format.MessageToJson(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return web.Response(text=text, content_type="application/json")

    def _method(self, request: web.Request) -> tuple[Method, bool]:
        route = f"{request.method} {request.path}"
        method = self._methods.get(request.path.removeprefix(PREFIX))
        if request.method != "POST":
            text = f'unsupported method "{request.method}" (only POST is allowed)'
        elif method is None:
            text = f'no handler for path "{request.path}"'
        elif request.content_type not in ("application/protobuf", "application/json"):
            text = f'unexpected Content-Type: "{request.headers.get("Content-Type", "")}"'
        else:
            return method, request.content_type == "application/protobuf"
        raise TwirpError("bad_route", text, {"twirp_invalid_route": route})


def claims_of(request: web.Request, verifier: api.TokenVerifier) -> api.access_token.Claims | None:
    """Return the claims of a request's token; None without one. Raises jwt.InvalidTokenError."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return verifier.verify(token) if scheme == "Bearer" and token else None


def decode(message: Message, body: bytes, binary: bool) -> Message:
    """Parse a request's body into `message` and return it. Raises TwirpError."""
    try:
        if binary:
            message.ParseFromString(body)
        else:
            json_format.Parse(body, message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError) as error:
        kind = "protobuf" if binary else "json"
        text = f"the {kind} request could not be decoded"
        raise TwirpError("malformed", text) from error
    return message
