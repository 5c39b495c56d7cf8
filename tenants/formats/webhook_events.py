"""What webhooks are told: the types of events, which of them somebody wants, and the body of a delivery.

The type of an event follows from the verb of the audit log: `create_mailbox` is told as `mailbox.created`.
When what a change asked for was proved outside, `mailbox.observed` follows (Standard Webhooks 1.0.0, "Event
types": full-stop delimited, of small letters and underscores).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tenants.formats.text import FormatError, printable

OBSERVED = "observed"
TEST = "webhook.test"
MOST_WANTED = 50
MOST_BODY = 20_000
"""Bytes; the specification recommends less than 20 kB."""

_PAST = {
    "begin": "begun", "bring": "brought", "choose": "chosen", "cut": "cut", "drop": "dropped",
    "find": "found", "forget": "forgotten", "get": "got", "give": "given", "hold": "held",
    "keep": "kept", "leave": "left",
    "let": "let", "make": "made", "pin": "pinned", "plan": "planned", "put": "put", "read": "read",
    "run": "run", "say": "said", "send": "sent", "set": "set", "stop": "stopped", "submit": "submitted",
    "swap": "swapped", "take": "taken", "tell": "told", "withdraw": "withdrawn", "write": "written",
}  # fmt: skip
_AFTER_THE_VERB = frozenset({"at", "back", "for", "go", "in", "of", "over"})
_AT_THE_END = frozenset({"again", "back", "elsewhere", "now"})
# Verbs that do not name what they are about, or say it the other way round.
_OTHERWISE = {
    "check_now": "target.check_asked",
    "hand_over": "address.handed_over",
    "make_current": "former_passphrase.made_current",
    "pass_first_step": "sign_in.first_step_passed",
    "recheck": "target.rechecked",
    "reseal": "secrets.resealed",
    "roll_back": "upgrade.rolled_back",
    "set_back": "address.set_back",
    "sign_in": "account.signed_in",
    "take_over": "findings.taken_over",
    "unikernel_ended": "unikernel.ended",
}
_WANTED = re.compile(r"(?:\*|[a-z0-9_]{1,60})\.(?:\*|[a-z0-9_]{1,60})")


def type_of(verb: str) -> str:
    """How events of this verb of the audit log are called."""
    if verb in _OTHERWISE:
        return _OTHERWISE[verb]
    head, *rest = verb.split("_")
    past = _PAST.get(head) or _regular(head)
    if rest and rest[0] in _AFTER_THE_VERB:
        past = f"{past}_{rest.pop(0)}"
    if rest and rest[-1] in _AT_THE_END:
        past = f"{past}_{rest.pop()}"
    return f"{'_'.join(rest) or 'rookery'}.{past}"


def _regular(head: str) -> str:
    if head.endswith("e"):
        return head + "d"
    if head.endswith("y") and head[-2:-1] not in "aeiou":
        return head[:-1] + "ied"
    return head + "ed"


def observed_type(verb: str) -> str:
    """How the proof of a change by this verb is called."""
    return f"{type_of(verb).partition('.')[0]}.{OBSERVED}"


def all_types(verbs: Iterable[str]) -> list[str]:
    """Every type that can come of these verbs, in order."""
    return sorted({each for verb in verbs for each in (type_of(verb), observed_type(verb))})


def is_wanted(kind: str, wanted: Collection[str]) -> bool:
    """Is this type among the wanted ones? Nothing named means all; `mailbox.*` and `*.observed` are sets."""
    if not wanted:
        return True
    subject, _, what = kind.partition(".")
    return not {kind, f"{subject}.*", f"*.{what}"}.isdisjoint(wanted)


def check_wanted(value: object, known: Sequence[str], *, field: str = "types") -> list[str]:
    """The wanted types, each once and in order; each has to mean something. Raises FormatError."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise FormatError(field, "This is no list of texts.", "Send texts such as “mailbox.*”, or none.")
    wanted = sorted({each.strip() for each in value if each.strip()})
    if len(wanted) > MOST_WANTED:
        raise FormatError(
            field, f"{len(wanted)} are named; {MOST_WANTED} fit.", "Use sets such as “mailbox.*”."
        )
    for each in wanted:
        if not _WANTED.fullmatch(each) or each == "*.*" or not any(is_wanted(kind, [each]) for kind in known):
            raise FormatError(
                field,
                f"There is no event “{printable(each, 80)}”.",
                "Take one from the list, or none for all.",
            )
    return wanted


def write_body(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The body of a delivery as it is signed and sent, of ASCII. What was before and after is left out where
    it would be too long; `shortened` says so."""
    body = _written(kind, at, data)
    if len(body) > MOST_BODY:
        data = {**data, "before": {}, "after": {}, "shortened": True}
        body = _written(kind, at, data)
    return body


def _written(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    when = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": when, "data": data}, separators=(",", ":"), default=str)
