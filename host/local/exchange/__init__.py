"""A telephone exchange in front of livekit-server that replaces livekit-sip on one machine.

It forwards requests and websockets to the server, and implements LiveKit's SIP API itself: trunks,
dispatch rules, inbound and outbound calls, transfers. Its telephones are participants of kind `sip`
in the server's rooms, so a host can't distinguish it from livekit-sip. Two profiles, `now` and
`2025`, differ in errors, timeouts, disconnect reasons and late attributes. In both, every second
leg is late by up to a second, as measured.

    async with Exchange(url, api_key, api_secret, profile="now") as exchange:
        exchange.connect("+15552220001", Telephone(answer_after=1.0, script=my_script))
        await exchange.route("+15550001111", agent="host")
        call = await exchange.ring("+15557770001", "+15550001111", my_script)

Not implemented:
- SIP and RTP themselves: no packets, codecs (except G.711's distortion), jitter, loss, digest
  authentication or provider quirks. A telephone that sends no packets, as on hold without
  media, mutes its track: LiveKit SIP tells the room nothing.
- Dispatch rules with a PIN (skipped), because there are no prompts for it.
- Trunks' `attributes_to_headers`, `headers`, `allowed_addresses`, `auth_*`: stored, never applied;
  an outbound request's `headers` and `include_headers`; `to_user_override`, `sip_request_uri` and
  other header overrides.
- The old `CreateSIPTrunk` and `ListSIPTrunk`; Krisp; encryption; CPU limits.
- Codec negotiation failures as outcomes of a dial, beyond their SIP status.
- A leg that dies without leaving (CONNECTION_TIMEOUT after 19 s): legs live in this process.
- A caller's time after a transfer: the ledger has the target, and how the transfer ended.
- Webhooks and SIPCallInfo, beyond what the server sends for any participant.
"""

from host.local.exchange.call import PhoneCall
from host.local.exchange.exchange import Exchange
from host.local.exchange.facts import Ending, HungUp, Key, TransferReply
from host.local.exchange.ledger import Entry, Ledger
from host.local.exchange.line import Line, NotHeard, PersonScript
from host.local.exchange.profiles import NOW, PROFILES, YEAR_2025, Profile
from host.local.exchange.subscriber import Subscriber
from host.local.speech import Heard, Sentences

__all__ = [
    "NOW",
    "PROFILES",
    "YEAR_2025",
    "Ending",
    "Entry",
    "Exchange",
    "Heard",
    "HungUp",
    "Key",
    "Ledger",
    "Line",
    "NotHeard",
    "PersonScript",
    "PhoneCall",
    "Profile",
    "Sentences",
    "Subscriber",
    "TransferReply",
]
