"""LiveKit: its address and keys, whether it can be reached, its version, its clock, its SIP."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from host.base.errors import SettingsError
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, Skip, failure, warning

OLDEST = (1, 8)
"""The first versions of livekit-server whose dispatch rules dispatch named agents."""
BROKEN = {"1.9.11": "livekit/livekit#4269"}
"""Versions with which outbound calls fail, and where that is told."""
TOKEN_LEEWAY = 60.0
"""Seconds by which a token may come from the future for LiveKit."""
SKEW = 5.0
"""Seconds by which clocks may differ without anybody noticing."""
SERVED = "no call can be served or placed"


def address(deployment: Deployment) -> Iterator[Finding]:
    """Find what is missing of LiveKit's address and keys, or stands in the wrong place."""
    from host.dispatch.livekit import require_livekit

    settings = deployment.settings
    try:
        require_livekit(settings)
    except SettingsError as error:
        mend = "copy the URL, the key and the secret of your LiveKit project into .env"
        yield failure(str(error), SERVED, mend)
        return
    key = settings.livekit_api_key.get_secret_value()
    secret = settings.livekit_api_secret.get_secret_value()
    if secret.startswith("API") and not key.startswith("API"):
        yield failure(
            "LIVEKIT_API_SECRET looks like a key, and LIVEKIT_API_KEY like a secret",
            "LiveKit rejects every request",
            "exchange the values of LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        )
    parts = urlsplit(settings.livekit_url)
    if parts.path.strip("/").startswith(("rtc", "twirp", "agent")) or parts.query:
        yield failure(
            "LIVEKIT_URL has the path of one of LiveKit's services",
            "each service adds its own path, and LiveKit does not know the result",
            f"LIVEKIT_URL={parts.scheme}://{parts.netloc}",
        )
    if parts.scheme in ("ws", "http") and not _is_near(parts.hostname or ""):
        yield warning(
            "LIVEKIT_URL is not encrypted, and LiveKit is on another network",
            "tokens, numbers and transcripts can be read on the way",
            f"LIVEKIT_URL=wss://{parts.netloc}",
        )


async def reachable(deployment: Deployment) -> Iterable[Finding]:
    """Find out why LiveKit does not answer us."""
    import aiohttp
    from livekit import api

    from host.dispatch.rooms import UNREACHABLE

    url = deployment.settings.livekit_url
    host = urlsplit(url).hostname
    try:
        await deployment.rooms()
    except SettingsError as error:
        raise Skip("LiveKit's address and keys are missing: see livekit.settings") from error
    except api.ServerError as error:
        return [_refused(url, error.status)]
    except aiohttp.ClientConnectorDNSError:
        what = f"there is no host {host}"
        mend = "correct LIVEKIT_URL: LiveKit Cloud shows it in the project's settings"
    except aiohttp.ClientConnectorCertificateError:
        what, mend = f"the certificate of {host} is not valid for it", "renew the certificate"
    except aiohttp.ClientSSLError:
        what = f"{host} does not speak TLS"
        mend = "use ws:// in LIVEKIT_URL, or put a proxy with TLS in front of livekit-server"
    except TimeoutError:
        what = f"{host} did not answer within 10 s"
        mend = "let this machine connect to it: a firewall may be in between"
    except aiohttp.ClientConnectorError:
        what = f"nothing takes connections at {url}"
        mend = "start livekit-server there, or correct LIVEKIT_URL"
    except UNREACHABLE as error:
        what, mend = f"{url} can't be reached: {type(error).__name__}", "correct LIVEKIT_URL"
    else:
        return []
    return [failure(what, SERVED, mend)]


def _refused(url: str, status: int) -> Finding:
    if status in (401, 403):
        return failure(
            f"LiveKit at {url} rejects LIVEKIT_API_KEY and its secret",
            SERVED,
            "copy the key and the secret of this project again, both of the same pair; if they are "
            "right, set this machine's clock",
        )
    if status in (404, 405):
        return failure(
            f"what answers at {url} is no LiveKit (HTTP {status})",
            SERVED,
            "correct LIVEKIT_URL: for livekit-server, its port is 7880 unless set otherwise",
        )
    return failure(
        f"LiveKit at {url} fails with HTTP {status}", SERVED, "see the log of livekit-server"
    )


async def version(deployment: Deployment) -> Iterable[Finding]:
    """Find a LiveKit to which no worker can connect, or whose version is known to fail."""
    import aiohttp

    try:
        told = await deployment.registered()
    except (aiohttp.ClientError, TimeoutError, TypeError) as error:
        return [
            failure(
                f"no worker can register with LiveKit: {type(error).__name__} at /agent",
                "no host is ever offered a call",
                "let a proxy in front of LiveKit pass websockets on /agent on, as on /rtc",
            )
        ]
    numbers = tuple(map(int, re.findall(r"\d+", told.version)[:3]))
    if told.cloud or len(numbers) < 2:
        return []
    if told.version in BROKEN:
        return [
            failure(
                f"livekit-server {told.version} drops outbound calls ({BROKEN[told.version]})",
                "a callee's telephone rings for two seconds",
                "use another version of livekit-server",
            )
        ]
    if numbers[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return [
            failure(
                f"livekit-server {told.version} is older than {oldest}",
                "its dispatch rules do not dispatch an agent by its name",
                f"update livekit-server to {oldest} or later",
            )
        ]
    return []


async def clock(deployment: Deployment) -> Iterable[Finding]:
    """Find a clock of ours that differs from LiveKit's."""
    asked = deployment.machine.now()
    theirs = await _time_of(deployment)
    answered = deployment.machine.now()
    # It was a moment between the two, cut to a second.
    skew = max(asked - theirs - 1, 0) or min(answered - theirs, 0)
    way = "ahead of" if skew > 0 else "behind"
    what = f"this machine's clock is {abs(skew):.0f} s {way} LiveKit's"
    mend = "synchronise both clocks by NTP: timedatectl set-ntp true"
    if abs(skew) > TOKEN_LEEWAY:
        return [failure(what, "LiveKit rejects tokens of another time", mend)]
    if abs(skew) > SKEW:
        return [warning(what, "from a minute on, LiveKit rejects tokens of another time", mend)]
    return []


async def _time_of(deployment: Deployment) -> float:
    import aiohttp

    from host.cli.doctor.livekit import clock as ask

    if not deployment.settings.livekit_url:
        raise Skip("LiveKit's address and keys are missing: see livekit.settings")
    try:
        theirs = await ask(deployment.settings)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Skip("LiveKit can't be reached: see livekit.reachable") from error
    if theirs is None:
        raise Skip("LiveKit does not tell its time")
    return theirs


async def sip(deployment: Deployment) -> Iterable[Finding]:
    """Find a LiveKit without SIP."""
    from livekit import api

    try:
        await deployment.routing_or_error()
    except api.ServerError as error:
        if "redis" in error.message or "sip not connected" in error.message:
            return [
                failure(
                    "LiveKit has no SIP: livekit-server is not connected to Redis",
                    "there are no telephone calls, in neither direction",
                    "run Redis and livekit-sip, and set redis.address in the configuration of both "
                    "livekit-server and livekit-sip",
                )
            ]
        return [
            failure(
                f"LiveKit's SIP API fails with HTTP {error.status}",
                "trunks and dispatch rules can't be read",
                "see the log of livekit-server",
            )
        ]
    return []


def _is_near(host: str) -> bool:
    """Return whether a host is this machine or on a private network, as far as its name says."""
    if host == "localhost" or "." not in host.strip("."):
        return True  # a name of Docker or Kubernetes
    if host.endswith((".local", ".internal", ".svc", ".lan", ".invalid")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
