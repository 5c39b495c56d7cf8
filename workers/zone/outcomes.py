"""What a server's no means, by its rcode: an error of its own with words for a person."""

from __future__ import annotations

from dataclasses import dataclass

import dns.rcode

from tenants.formats.zones.names import Name
from workers.zone.errors import (
    BadKey,
    BadSignature,
    ClockSkew,
    NotAllowed,
    NotAuthoritative,
    NotImplementedThere,
    OutsideZone,
    PrerequisiteFailed,
    Refusal,
    RuleBroken,
    ServerFailed,
)

__all__ = ["Asked", "refusal"]

_UNREADABLE = (
    "For ptt's primary a zone that is updated must have the name of a host: letters, digits and hyphens."
    " Other servers answer so to what they do not understand, some also when a key may not do this."
)

_LAST = 4095


@dataclass(frozen=True)
class Asked:
    """What was asked of whom: `what` as in "the transfer of example.org". `expects_absence` tells that a
    prerequisite demands that a record set be absent."""

    server: str
    what: str
    expects_absence: bool = False

    @classmethod
    def about(cls, server: object, action: str, zone: Name, *, expects_absence: bool = False) -> Asked:
        return cls(str(server), f"the {action} of {zone.short}", expects_absence)


def refusal(code: int, asked: Asked) -> Refusal:
    """Return what to raise for an rcode, or an error code in a TSIG record, other than 0."""
    if not 0 <= code <= _LAST:  # of a TSIG record, which has more room
        return Refusal(f"{asked.server} refused {asked.what}: error {code}.", rcode=str(code))
    known = dns.rcode.Rcode.make(code)
    # 16 is BADVERS too, which nobody has reason to answer: no EDNS is sent.
    word = "BADSIG" if known == dns.rcode.BADSIG else dns.rcode.to_text(known)
    start = f"{asked.server} refused {asked.what}: {word}"
    if code == dns.rcode.BADTIME:
        return ClockSkew(f"{start} (the clocks differ).", seconds=None)
    if known in _MISMATCHES:
        return PrerequisiteFailed(f"{start} ({_MISMATCHES[known]}).", rcode=word)
    if code == dns.rcode.YXRRSET:
        return _exists(start, asked)
    if known in _KINDS:
        kind, meaning = _KINDS[known]
        return kind(f"{start} ({meaning}).", rcode=word)
    hint = _UNREADABLE if known is dns.rcode.FORMERR else "Look at the server's log."
    return Refusal(f"{start}.", hint, rcode=word)


def _exists(start: str, asked: Asked) -> Refusal:
    if not asked.expects_absence:
        return RuleBroken(f"{start} (the result would break a rule of the primary).", rcode="YXRRSET")
    return PrerequisiteFailed(
        f"{start} (a record set is there that should not be, or a rule would be broken).",
        rcode="YXRRSET",
        or_rule=True,
    )


_MISMATCHES = {
    dns.rcode.NXRRSET: "a record set is not as it was",
    dns.rcode.YXDOMAIN: "a name is there that should not be",
    dns.rcode.NXDOMAIN: "a name is missing",
}

_KINDS: dict[dns.rcode.Rcode, tuple[type[Refusal], str]] = {
    dns.rcode.BADKEY: (BadKey, "it does not know the key"),
    dns.rcode.BADSIG: (BadSignature, "the signature is wrong"),
    dns.rcode.NOTAUTH: (NotAuthoritative, "the zone is not served there, or not for this key"),
    dns.rcode.REFUSED: (NotAllowed, "its rules forbid it"),
    dns.rcode.NOTIMP: (NotImplementedThere, "it cannot do this"),
    dns.rcode.SERVFAIL: (ServerFailed, "it failed"),
    dns.rcode.NOTZONE: (OutsideZone, "a name lies outside the zone"),
}
