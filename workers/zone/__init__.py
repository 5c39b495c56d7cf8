"""Speaking with name servers that hold zones: ptt's primary, and any conventional one. No Django here.

| module       | what it does                                                                              |
|--------------|-------------------------------------------------------------------------------------------|
| `server`     | where a server is and the way to it, which is handed in                                   |
| `keys`       | TSIG keys from their three pieces                                                         |
| `soa`        | `served_serial`: which version is served, the only proof of anything                      |
| `notify`     | `notify`: asks ptt's primary to pull; its answer proves nothing                           |
| `transfer`   | `transfer`: the whole zone, signatures in both readings                                   |
| `update`     | `update`: record sets replaced in one signed message if they still are as they were seen  |
| `by_hand`    | the same as words for nsupdate and dig                                                    |
| `errors`     | everything that these raise, with a hint for a person                                     |
"""

from __future__ import annotations

from workers.zone.by_hand import dig_serial, notify_command, nsupdate_script
from workers.zone.errors import (
    BadKey,
    BadSignature,
    ClockSkew,
    Garbled,
    NotAllowed,
    NotAuthoritative,
    NotImplementedThere,
    NotSendable,
    OutsideZone,
    PrerequisiteFailed,
    Refusal,
    RuleBroken,
    ServerFailed,
    TooMuch,
    UnknownOutcome,
    Unproved,
    Unreachable,
    ZoneError,
)
from workers.zone.keys import TsigKey, dig_argument, key_of, parse_key
from workers.zone.notify import Notified, notify
from workers.zone.server import Dial, Server
from workers.zone.soa import Served, served_serial
from workers.zone.transfer import Limits, Signatures, Transferred, transfer
from workers.zone.update import Change, Requirement, batches, require_sendable, update

__all__ = [
    "BadKey",
    "BadSignature",
    "Change",
    "ClockSkew",
    "Dial",
    "Garbled",
    "Limits",
    "NotAllowed",
    "NotAuthoritative",
    "NotImplementedThere",
    "NotSendable",
    "Notified",
    "OutsideZone",
    "PrerequisiteFailed",
    "Refusal",
    "Requirement",
    "RuleBroken",
    "Served",
    "Server",
    "ServerFailed",
    "Signatures",
    "TooMuch",
    "Transferred",
    "TsigKey",
    "UnknownOutcome",
    "Unproved",
    "Unreachable",
    "ZoneError",
    "batches",
    "dig_argument",
    "dig_serial",
    "key_of",
    "notify",
    "notify_command",
    "nsupdate_script",
    "parse_key",
    "require_sendable",
    "served_serial",
    "transfer",
    "update",
]
