"""Importing a zone: paste it or choose its file, read what each line would do, keep that for the review."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from panel.web import sentences
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.handling import actor_of, page
from panel.web.zone_staging import stage_all
from panel.web.zones import load_zone
from tenants import access
from tenants.access import Verb
from tenants.actions.zone_imports import ZoneText, read_zone_text, require_importable
from tenants.errors import Conflict, Invalid
from tenants.formats.zones.bind.importing import Outcome

# What a page takes: all of it comes back in its text field, to be mended there.
MOST_CHARACTERS = 900_000
MOST_LINES = 2_000
BADGES = {
    Outcome.ACCEPTED: ("ok", "Accepted"),
    Outcome.CHANGED: ("wait", "Changed"),
    Outcome.REFUSED: ("fail", "Refused"),
    Outcome.DIRECTIVE: ("off", "Understood"),
}


@page(methods=("GET", "HEAD", "POST"))
def zone_import(request: HttpRequest, domain: str) -> HttpResponse:
    """The form; a text that was sent is shown line by line, and kept for the review when that is wished."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    remove_others = request.POST.get("remove_others") == "1"
    text, read = "", None
    problems: list[str] = []
    status = 200
    if request.method == "POST":
        do = request.POST.get("do", "look")
        try:
            if do not in {"keep", "look"}:
                raise Conflict("This button does not exist any more. Look at it again.")
            sent = _text(request)
            read = read_zone_text(actor=actor, zone=thing, text=sent, remove_others=remove_others)
            text = sent  # only what can be seen is shown again
            leave_out = do == "look" or request.POST.get("leave_out") == "1"
            require_importable(read, leave_out_refused=leave_out)
            if do == "keep" and read.changes:
                stage_all(request, actor, thing, read.changes)
                return redirect("zone-review", domain=thing.name)
        except (Conflict, Invalid) as error:
            found = error.problems if isinstance(error, Invalid) else ()
            problems = [str(each) for each in found] or [error.sentence]
            status = 409 if isinstance(error, Conflict) else 400
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Import"),
        "zone": thing,
        "text": text,
        "remove_others": remove_others,
        "problems": problems,
        "most": f"{MOST_CHARACTERS:,}",
        **(_report(read) if read is not None else {}),
    }
    return render(request, "panel/zone/import.html", context, status=status)


def _text(request: HttpRequest) -> str:
    """What was uploaded or pasted. Raises Invalid where it is not text, or too long."""
    file = request.FILES.get("file")
    if file is None:
        text = request.POST.get("text", "")
    else:
        try:
            text = file.read(4 * MOST_CHARACTERS + 1).decode("utf-8")
        except UnicodeDecodeError as error:
            problem = f"The file is no text in UTF-8: byte {error.start + 1} is not."
            raise Invalid.of("file", problem, "Save it as UTF-8, or paste its lines.") from error
    if len(text) > MOST_CHARACTERS:
        raise Invalid.of(
            "text", f"This is longer than {MOST_CHARACTERS:,} characters.", "Import it in parts."
        )
    return text


def _report(read: ZoneText) -> dict[str, Any]:
    lines = [
        {
            "place": f"{line.first}" if line.first == line.last else f"{line.first} to {line.last}",
            "text": line.text,
            "badge": BADGES[line.outcome][0],
            "word": BADGES[line.outcome][1],
            "reasons": line.reasons,
        }
        for line in read.lines
    ]
    # What needs a look comes first where not all can be shown.
    if len(lines) > MOST_LINES:
        lines = [line for line in lines if line["badge"] in {"fail", "wait"}][:MOST_LINES]
    counts = [
        f"{read.count(outcome):,} {word.lower()}"
        for outcome, (_, word) in BADGES.items()
        if outcome is not Outcome.DIRECTIVE and read.count(outcome)
    ]
    return {
        "lines": lines,
        "left_out": len(read.lines) - len(lines),
        "headline": f"Lines: {', '.join(counts) or 'none with a record'}.",
        "changes": len(read.changes),
        "changes_words": sentences.amount(len(read.changes), "record set", "record sets"),
        "removed": sum(not change.data for change in read.changes),
        "refused": read.count(Outcome.REFUSED),
    }
