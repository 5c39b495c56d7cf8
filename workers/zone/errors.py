"""What can go wrong between a primary name server and us. Each error has a sentence and a hint: what a person
can do. None of them ever holds a secret.

| raised                | what is known                                                            |
|-----------------------|--------------------------------------------------------------------------|
| NotSendable           | nothing was sent; the request itself is wrong                            |
| Unreachable           | no answer; nothing was changed (after a NOTIFY: it may have been heard)  |
| UnknownOutcome        | an UPDATE was sent and no trustworthy answer came: look before anything  |
| Garbled, TooMuch      | the answer is no DNS, not ours, or beyond the bounds                     |
| Unproved              | the answer is not signed with the key, or signed wrongly                 |
| Refusal and below     | the server said no; nothing was changed                                  |
"""

from __future__ import annotations

__all__ = [
    "BadKey",
    "BadSignature",
    "ClockSkew",
    "Garbled",
    "NotAllowed",
    "NotAuthoritative",
    "NotImplementedThere",
    "NotSendable",
    "OutsideZone",
    "PrerequisiteFailed",
    "Refusal",
    "RuleBroken",
    "ServerFailed",
    "TooMuch",
    "UnknownOutcome",
    "Unproved",
    "Unreachable",
    "ZoneError",
]


class ZoneError(Exception):
    """Base of everything that this package raises. `sentence` says what happened, `hint` what to do next."""

    hint = ""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint or type(self).hint


class NotSendable(ZoneError):
    """The request cannot be put into a DNS message, or would do harm: nothing was sent."""

    hint = "Nothing was sent. Correct this and try again."


class Unreachable(ZoneError):
    """No connection, or no answer in time. Trying again may help."""

    hint = "Check that the name server is up and that its port 53 can be reached from here over UDP and TCP."


class UnknownOutcome(ZoneError):
    """An UPDATE was sent (or partly sent), and no answer came that could be trusted."""

    hint = "The change may have been made. Read the zone again before it is repeated."


class Garbled(ZoneError):
    """The bytes that came are no answer to what was asked."""

    hint = "Check that the address is that of the zone's primary name server, with nothing in between."


class TooMuch(Garbled):
    """The answer is larger, or takes longer, than this package accepts."""

    hint = "Check that the zone is the one that was meant; if it really is that large, raise the limits."


class Unproved(Garbled):
    """The answer bears no signature of the key that was used, or a wrong one."""

    hint = "Check the key on both sides. If it is right, somebody in between changes answers."


class Refusal(ZoneError):
    """The server said no. `rcode` is its word (RFC 1035, 2136, 8945), such as REFUSED or BADKEY."""

    def __init__(self, sentence: str, hint: str = "", *, rcode: str = "") -> None:
        super().__init__(sentence, hint)
        self.rcode = rcode


class BadKey(Refusal):
    """BADKEY: the server has no usable key of that name with that algorithm."""

    hint = (
        "Compare name and algorithm of the key with those at the server. A key in a zone's _keys file counts"
        " only after the primary has pulled it, needs a unique name, and must lie in that zone."
    )


class BadSignature(Refusal):
    """BADSIG: the server has a key of that name with another secret."""

    hint = "The secrets differ. Copy the secret again, or make a new key and give it to both sides."


class ClockSkew(Refusal):
    """BADTIME: the clocks differ by more than the 300 seconds that signatures allow.

    `seconds` is how far the server's clock is ahead of ours (negative: behind), None when it did not say.
    """

    hint = "Set the clock that is wrong (a unikernel takes the time of its host), then try again."

    def __init__(self, sentence: str, hint: str = "", *, rcode: str = "BADTIME", seconds: int | None) -> None:
        super().__init__(sentence, hint, rcode=rcode)
        self.seconds = seconds


class NotAuthoritative(Refusal):
    """NOTAUTH: the key does not cover the zone, or the server does not serve it."""

    hint = (
        "Check that the server serves the zone and that the key's name ends in it: for ptt's primary"
        " <name>._update.<zone>, with _transfer instead for transfers only."
    )


class NotAllowed(Refusal):
    """REFUSED: the server's own rules forbid it."""

    hint = "Allow it for this key at the server (BIND: update-policy, allow-transfer; Knot: acl)."


class NotImplementedThere(Refusal):
    """NOTIMP: the server does not know this kind of request."""

    hint = "NSD takes no dynamic updates; use another primary, or a repository of zones."


class ServerFailed(Refusal):
    """SERVFAIL: the server tried and failed."""

    hint = "Look at the server's log; it may be unable to write its zone file or journal."


class PrerequisiteFailed(Refusal):
    """NXRRSET, YXRRSET, YXDOMAIN, NXDOMAIN: something is not as it was when we looked; nothing was changed.

    `or_rule` is true when the same answer may mean that the result would break a rule of ptt's primary
    (YXRRSET says both): look again, and if nothing has changed there, it is the rule.
    """

    hint = "Somebody else changed the zone meanwhile. Read it again and repeat what is still wanted."

    def __init__(self, sentence: str, hint: str = "", *, rcode: str, or_rule: bool = False) -> None:
        super().__init__(sentence, hint, rcode=rcode)
        self.or_rule = or_rule


class RuleBroken(Refusal):
    """YXRRSET without a prerequisite that could say so: the result would break a rule of ptt's primary."""

    hint = (
        "An alias (CNAME) must stand alone, and every MX and name server inside the zone needs an address"
        " there. Change what belongs together in one go."
    )


class OutsideZone(Refusal):
    """NOTZONE: a name lies outside the zone."""

    hint = "Put the record into the zone of its own domain."
