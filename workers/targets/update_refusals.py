"""What a name server's no to a dynamic update means for a pass, in words for a person."""

from __future__ import annotations

from workers import zone
from workers.outcome import NeedsPerson


def explain(error: zone.Refusal) -> NeedsPerson | None:
    """The stop for what is wrong with the key or the clocks, and so concerns every zone there; None for what
    concerns one zone."""
    if isinstance(error, zone.BadKey | zone.BadSignature):
        return NeedsPerson(
            "update-key-refused",
            error.sentence,
            f"{_KEY[type(error)]} Nothing was changed there.",
        )
    if isinstance(error, zone.ClockSkew):
        return NeedsPerson("clocks-differ", error.sentence, error.hint)
    return None


_KEY = {
    zone.BadKey: (
        "Compare the key's name and algorithm with those at the server, or give Rookery another key of it."
    ),
    zone.BadSignature: "The secrets differ. Give Rookery the key again, as it is at the server.",
}


def impossible(name: str, error: zone.Refusal) -> NeedsPerson:
    """The stop for an update of one zone that trying again would not help."""
    advice = error.hint
    if isinstance(error, zone.PrerequisiteFailed | zone.RuleBroken):
        advice = (
            "Nothing was changed there meanwhile, so what was sent is against a rule of the server: an alias"
            " must stand alone, and what an MX or NS record points to needs an address."
        )
    return NeedsPerson(
        "update-refused", f"{error.sentence} {name} was left as it is.", advice, {"zones": [name]}
    )
