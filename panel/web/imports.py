"""Importing addresses: upload a table, read what each row would do, do exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.crumbs import below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.exports import download
from panel.web.fragments import carrying_run_of, run_url
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.proofs import run_proof
from panel.web.standing import DomainRow
from tenants import access
from tenants.access import Kind, Verb
from tenants.actions import imports as actions
from tenants.actions.new_mailboxes import require_may_make
from tenants.actions.questions import MAILS_A_MINUTE, minutes_for
from tenants.errors import Conflict, Invalid, Problem, TooMany
from tenants.formats.address_rows import COLUMNS
from tenants.formats.csv_cells import csv_lines
from tenants.formats.passphrase import shell_line
from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.models import AddressImport, ImportRow
from tenants.relay_states import is_stopped, relay_state

PAGE = 100
# A page on its way asks again this often, then it stops: reloading starts anew.
LOOKS = 150
Verdict = ImportRow.Verdict
FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", tuple(Verdict.values)),
    "changes": ("Changes", (Verdict.CREATE, Verdict.CHANGE)),
    "create": ("New", (Verdict.CREATE,)),
    "change": ("Changed", (Verdict.CHANGE,)),
    "refused": ("Refused", (Verdict.REFUSED,)),
    "unchanged": ("Unchanged", (Verdict.UNCHANGED,)),
}
BADGES = {
    Verdict.CREATE: ("live", "New"),
    Verdict.CHANGE: ("live", "Changed"),
    Verdict.UNCHANGED: ("off", "Unchanged"),
    Verdict.REFUSED: ("fail", "Refused"),
}


@page(methods=("GET", "HEAD", "POST"))
def addresses_import(request: HttpRequest, domain: str) -> HttpResponse:
    """The form; a table that was sent becomes a preview."""
    row = get_domain(request, domain)
    require_may_make(actor_of(request), row.domain)
    problems: tuple[Problem, ...] = ()
    status = 200
    if request.method == "POST":
        try:
            kept = _upload(request, row)
            return redirect("addresses-import-page", domain=row.domain.name, import_id=kept.pk)
        except Invalid as error:
            problems, status = error.problems, 400
    context = {
        **domain_context(request, row, "addresses"),
        "problems": problems,
        "columns": COLUMNS,
        "most_rows": f"{MAX_ROWS:,}",
        "most_bytes": f"{MAX_BYTES >> 20} MB",
        "a_minute": MAILS_A_MINUTE,
        "may_vouch": shows(request, Verb.CHANGE, Kind.DOMAIN, row.domain.organization_id),
        "vouched": request.POST.get("vouched") == "1",
        "shell_line": shell_line(),
        "crumbs": below_domain(row.domain.name, "Import", home="addresses"),
    }
    return render(request, "panel/import/new.html", context, status=status)


def _upload(request: HttpRequest, row: DomainRow) -> AddressImport:
    file = request.FILES.get("file")
    content = file.read() if file is not None else request.POST.get("pasted", "").encode("utf-8", "replace")
    if not content.strip():
        raise Invalid.of("file", "There is no table.", "Choose a file, or paste its lines.")
    return actions.preview_import(
        actor=actor_of(request),
        domain=row.domain,
        content=content,
        name=(file.name or "") if file is not None else "pasted lines",
        vouched=request.POST.get("vouched") == "1",
    )


@page()
def import_page(request: HttpRequest, domain: str, import_id: int) -> HttpResponse:
    """What each row would do; afterwards, what was done and its proof."""
    row = get_domain(request, domain)
    preview = actions.find_import(actor_of(request), row.domain, import_id)
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    url = reverse("addresses-import-page", kwargs={"domain": row.domain.name, "import_id": preview.pk})
    lines = preview.rows.filter(verdict__in=FILTERS[only][1]).order_by("place").defer("sealed_hash")
    shown = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    counts = preview.counts
    now = timezone.now()
    context = {
        **domain_context(request, row, "addresses"),
        "preview": preview,
        "headline": _headline(preview),
        "counts": counts,
        "to_do": _number(counts[Verdict.CREATE] + counts[Verdict.CHANGE]),
        "refused": _number(counts[Verdict.REFUSED]),
        "asks": _asks(preview),
        "obstacle": actions.obstacle_to(row.domain, counts) if preview.applied_at is None else "",
        "expires": times.moment(preview.expires_at, now),
        "applied": times.moment(preview.applied_at, now),
        "lines": [_line(each) for each in shown],
        "unit": preview.unit.capitalize(),
        "chips": _chips(url, counts, only) if preview.applied_at is None else [],
        "pages": pages_of(shown, url, only),
        "crumbs": below_domain(row.domain.name, "Import", home="addresses"),
        **_proof(request, row, preview, url),
    }
    return render(request, "panel/import/show.html", context)


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _headline(preview: AddressImport) -> str:
    counts = preview.counts
    words = [
        f"{counts[verdict]:,} {word}"
        for verdict, word in (
            (Verdict.CREATE, "new"),
            (Verdict.CHANGE, "changed"),
            (Verdict.UNCHANGED, "unchanged"),
            (Verdict.REFUSED, "refused"),
        )
        if counts[verdict]
    ]
    told = ", ".join(words)
    if preview.applied_at is None:
        return f"Nothing was changed yet: {told}."
    return f"Done: {told.replace('refused', 'left out')}."


def _asks(preview: AddressImport) -> str:
    """What becomes of those who are to get the mail."""
    if preview.vouched:
        return "You vouch for those who get the mail: nobody is asked, and it flows at once."
    if not preview.questions:
        return "Nobody new has to agree."
    mails = sentences.exact_amount(preview.questions, "mail is", "mails are")
    minutes = minutes_for(preview.questions)
    last = f", {MAILS_A_MINUTE} each minute, the last after {minutes} min" if minutes else ""
    return f"{mails} sent to ask those who are to get the mail{last}. Nothing flows before they agree."


def _line(row: ImportRow) -> dict[str, Any]:
    badge, word = BADGES[Verdict(row.verdict)]
    return {
        "place": row.place,
        "shown": row.shown or "no address",
        "badge": badge,
        "word": word,
        "told": [_told(name, *values) for name, values in row.changes.items() if name != "kind"],
        "kind": (row.changes.get("kind") or ["", ""])[1],
        "problems": [{"field": each["field"], "text": _text(each)} for each in row.problems],
        "remarks": row.remarks,
    }


def _text(problem: dict[str, str]) -> str:
    return f"{problem['problem']} {problem['fix']}".strip()


_NAMES = {"targets": "Gets the mail", "note": "Note", "enabled": "Switched", "passphrase": "Passphrase"}


def _told(name: str, before: Any, after: Any) -> dict[str, str]:
    return {"name": _NAMES[name], "before": _value(before), "after": _value(after)}


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return (", ".join(value) or "nobody") if isinstance(value, list) else (str(value) or "none")


def _chips(url: str, counts: dict[str, int], only: str) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "count": f"{sum(counts[verdict] for verdict in verdicts):,}",
            "url": f"{url}?only={word}" if word else url,
            "current": word == only,
        }
        for word, (label, verdicts) in FILTERS.items()
        if not word or word == only or any(counts[verdict] for verdict in verdicts)
    ]


def pages_of(shown: Any, url: str, only: str) -> dict[str, str]:
    """For parts/pagination.html; `only` is the filter that stays."""

    def at(number: int) -> str:
        return f"{url}?{urlencode({'only': only, 'page': number} if only else {'page': number})}"

    return {
        "sentence": f"{shown.start_index():,} to {shown.end_index():,} of {shown.paginator.count:,}",
        "previous_url": at(shown.number - 1) if shown.has_previous() else "",
        "next_url": at(shown.number + 1) if shown.has_next() else "",
    }


def _proof(request: HttpRequest, row: DomainRow, preview: AddressImport, url: str) -> dict[str, Any]:
    """After it was done: where it stands outside, as one line of proof; it asks again while that moves."""
    if preview.applied_at is None:
        return {}
    target = relay_state(row.domain).target
    if target is None:
        return {"outside": "No relay repository is connected, so nothing is written outside yet."}
    run = carrying_run_of(target, preview.generation)
    observed, stopped = target.observed_generation >= preview.generation, is_stopped(target)
    if observed:
        outside = "It was written to the mail server in one commit and read back."
    elif stopped:
        outside = "Nothing is written to the mail server before somebody has looked at its run."
    else:
        outside = "A worker is writing it to the mail server, in one commit."
    looks = request.GET.get("look", "0")
    look = int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 4 else LOOKS
    asks_again = not observed and not stopped and look < LOOKS
    found: dict[str, Any] = {"outside": outside, "again_url": f"{url}?look={look + 1}" if asks_again else ""}
    if run is not None:
        link = run_url(run.pk) if access.may(actor_of(request), Verb.VIEW, run) else ""
        steps = {step.name: step for step in run.steps.all()}
        commit = next((each.value for each in run.evidence.all() if each.name == "Commit"), "")
        line = run_proof(run, steps, commit, link)
        accepted = {"state": "done", "at": preview.applied_at}
        found |= {"run_url": link, "proof": {"label": "this import", **line, "accepted": accepted}}
    return found


@page(methods=("POST",))
def import_apply(request: HttpRequest, domain: str, import_id: int) -> HttpResponse:
    row = get_domain(request, domain)
    preview = actions.find_import(actor_of(request), row.domain, import_id)
    try:
        actions.apply_import(
            actor=actor_of(request),
            preview=preview,
            digest=request.POST.get("digest", "")[:64],
            leave_out_refused=request.POST.get("leave_out") == "1",
        )
    except (Conflict, Invalid, TooMany) as error:
        refuse(request, error)
    return redirect("addresses-import-page", domain=row.domain.name, import_id=preview.pk)


@page(methods=("POST",))
def import_discard(request: HttpRequest, domain: str, import_id: int) -> HttpResponse:
    row = get_domain(request, domain)
    preview = actions.find_import(actor_of(request), row.domain, import_id)
    actions.discard_import(actor=actor_of(request), preview=preview)
    tell(request, "The table was forgotten; nothing of it was done.")
    return redirect("addresses-import", domain=row.domain.name)


@page()
def import_problems(request: HttpRequest, domain: str, import_id: int) -> HttpResponse:
    """The refused rows as a table of their own, to be worked through."""
    row = get_domain(request, domain)
    preview = actions.find_import(actor_of(request), row.domain, import_id)
    return download(request, csv_lines(_problem_cells(preview)), "csv", f"problems-{row.domain.name}")


def _problem_cells(preview: AddressImport) -> Iterator[list[str]]:
    yield [preview.unit, "address", "field", "problem", "fix"]
    rows = preview.rows.filter(verdict=Verdict.REFUSED).order_by("place")
    for place, shown, problems in rows.values_list("place", "shown", "problems").iterator(chunk_size=500):
        for each in problems:
            yield [str(place), shown, each["field"], each["problem"], each["fix"]]
