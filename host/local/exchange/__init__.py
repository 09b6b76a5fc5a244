"""A telephone exchange in front of livekit-server: what livekit-sip is to a host, on one machine.

It passes everything on to the server, websockets included, and answers LiveKit's SIP API itself:
trunks, dispatch rules, calls in and out, transfers. Its telephones are participants of kind `sip`
in the real server's rooms, so a host can't tell it from the real thing. Two profiles, `now` and
`2025`, differ in the errors, the reasons to leave and the late attributes of livekit-sip.

    async with Exchange(url, api_key, api_secret, profile="now") as exchange:
        exchange.connect("+15552220001", Telephone(answer_after=1.0, script=my_script))
        await exchange.route("+15550001111", agent="host")
        call = await exchange.ring("+15557770001", "+15550001111", my_script)

What it leaves out:
- SIP and RTP themselves: no packets, no codecs but G.711's distortion, no jitter, no loss, no media
  timeouts, no hold, no early media, no digest authentication, no provider's quirks.
- Rules with a PIN (they are passed over), since nobody plays the prompts.
- Trunks' `attributes_to_headers`, `headers`, `allowed_addresses`, `auth_*`: kept, never applied;
  an outbound request's `headers` and `include_headers`; `to_user_override`, `sip_request_uri` and
  other overrides of headers.
- The old `CreateSIPTrunk` and `ListSIPTrunk`; pages of lists; Krisp; encryption; limits on CPU.
- Codec negotiation failures as outcomes of a dial, beyond their SIP status.
- A leg that dies without leaving (CONNECTION_TIMEOUT after 19 s): legs live in this process.
- What happens to a caller after a transfer: the ledger tells where to, and how that ended.
- Webhooks and SIPCallInfo, beyond what the server itself sends for any participant.
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
