"""What a relay repository's conditions say: sentences for people, details for programs."""

from __future__ import annotations

import shlex
from collections import Counter

from tenants.models import Condition, Finding, Repository
from workers.plan import Plan
from workers.repository import Size
from workers.targets.base import Findings, Statement

GROWN_ABOVE_KIB = 100 * 1024
# Why units are left alone → the condition, the sentence when there is none, and what to do.
_CHANGED = "They were left alone: decide about each under “Found outside”."
APART = {
    "drift": (Condition.Type.DRIFTED, "Nobody else changed our entries.", _CHANGED),
    "conflict": (Condition.Type.CONFLICTED, "Nothing was changed both here and there.", _CHANGED),
    "unsafe": (
        Condition.Type.UNSAFE_ENTRIES,
        "Every entry is safe for ptt.",
        "ptt would mishandle them, some for everybody. Correct these addresses; all others are written.",
    ),
}


def apart_statement(plan: Plan, reason: str) -> Statement:
    units = [each for each in plan.apart if each.reason == reason]
    kind, none, advice = APART[reason]
    if not units:
        return Statement(kind, False, "none", none)
    sentence = " ".join(each.sentence for each in units[:5])
    more = f" And {len(units) - 5} more." if len(units) > 5 else ""
    return Statement(
        kind,
        True,
        reason,
        f"{sentence}{more} {advice}",
        {"units": [each.as_dict() for each in units[:50]], "count": len(units)},
    )


def foreign_statement(findings: Findings) -> Statement:
    """Foreign entries are what was kept from earlier passes, and what this one found of them."""
    kinds = Counter(found.kind for found in findings.found)
    count = len(findings.kept) + kinds[Finding.Kind.FOREIGN] + kinds[Finding.Kind.SKIPPED]
    kind = Condition.Type.FOREIGN_ENTRIES
    if not count:
        return Statement(kind, False, "none", "Every entry is Rookery's.")
    sentence = (
        "1 entry was not made by Rookery. It is kept as it is."
        if count == 1
        else f"{count} entries were not made by Rookery. They are kept as they are."
    )
    return Statement(kind, True, "kept", sentence, {"count": count})


def growth(repository: Repository, size: Size, generation: int, *, tidied: bool) -> Statement:
    details = {"generation": generation, "objects": size.objects, "kibibytes": size.kibibytes}
    kind, name = Condition.Type.GROWING, repository.short_name
    if tidied:
        return Statement(kind, False, "tidied", f"{name} holds {size}; git keeps it tidy there.", details)
    grows = size.kibibytes > GROWN_ABOVE_KIB
    sentence = f"{name} holds about {size}. Its account may only run git, so Rookery cannot tidy it up."
    advice = f" Run `git -C {shlex.quote(repository.path)} gc` on {repository.host} now and then."
    return Statement(kind, grows, "git-only", sentence + (advice if grows else ""), details)


def by_hand(repository: Repository, plan: Plan) -> tuple[str, ...]:
    """Shell lines that would do the same by hand; passphrase hashes are left out."""
    if plan.is_empty:
        return ()
    url = f"ssh://{repository.username}@{repository.host}:{repository.port}/{repository.path.lstrip('/')}"
    lines = [f"git clone --depth 1 --branch {repository.branch} {url} relay && cd relay"]
    gone = [change.unit for change in plan.changes if change.content is None]
    written = [change.unit for change in plan.changes if change.content is not None]
    if gone:
        lines.append(f"git rm -- {shlex.join(gone[:20])}{' …' if len(gone) > 20 else ''}")
    if written:
        shown = shlex.join(written[:20]) + (" …" if len(written) > 20 else "")
        lines.append(f"# write the new content of: {shown}")
        lines.append(f"git add -- {shown}")
    lines.append(f"git commit -m '{plan.summary()}' && git push origin {repository.branch}")
    return tuple(lines)
