"""A unikernel's console, live or from long ago, and the graphs of its load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from panel.web import graphs, times
from panel.web.exports import download
from panel.web.fragments import Fragment
from panel.web.handling import actor_of, page
from panel.web.live import stream
from panel.web.lives import end_lines, life_banner, standing_now
from tenants import access, watched
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import ConsoleLine, HostWatch, Sample, Unikernel, UnikernelExit, UnikernelWatch

SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=30)}
_MOST_ID = 2**63 - 1


def load_unikernel(actor: Actor, unikernel_id: int) -> Unikernel:
    rows = access.visible_to(actor, Unikernel).select_related("share__host")
    row = rows.filter(pk=unikernel_id).first()
    if row is None:
        raise Absent
    return row


def unikernel_tabs(row: Unikernel, current: str) -> dict[str, Any]:
    """The parts of one unikernel, and the way back."""
    pages = (("Overview", "unikernel"), ("Console", "unikernel-console"), ("Load", "unikernel-load"))
    place = {"unikernel_id": row.pk}
    return {
        "tabs_label": str(row),
        "tabs": [
            {"label": label, "url": reverse(name, kwargs=place), "current": name == current}
            for label, name in pages
        ],
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": row.share.host.name, "url": reverse("host", kwargs={"share_id": row.share_id})},
            {"label": row.name},
        ],
    }


# Console ------------------------------------------------------------------------------------------------


@page()
def unikernel_console(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """The last lines, older ones (`?before=`), or those that contain something (`?q=`)."""
    row, now = load_unikernel(actor_of(request), unikernel_id), timezone.now()
    search = request.GET.get("q", "").replace("\0", "").strip()[: watched.LONGEST_SEARCH]
    before = _number(request.GET.get("before", ""))
    lines = watched.last_lines(row, before=before, search=search)
    is_live, ends = not before and not search, watched.last_ends(row)
    context = {
        **unikernel_tabs(row, "unikernel-console"),
        **now_context(row, ends, now),
        "row": row,
        "lines": [_line(each, now) for each in lines],
        "search": search,
        "before": before,
        "is_live": is_live,
        "first_id": lines[0].pk if len(lines) == watched.LINES_SHOWN else 0,
        "ends": end_lines(ends, now),
    }
    return render(request, "panel/unikernel/console.html", context)


@page()
def unikernel_console_fragment(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """What the stream would send now, after the line `?after=`."""
    look = _Tail(_number(request.GET.get("after", "")))
    return HttpResponse(look(actor_of(request), unikernel_id, "").html)


async def unikernel_console_live(
    request: HttpRequest, unikernel_id: int
) -> HttpResponse | StreamingHttpResponse:
    return await stream(request, _Tail(_number(request.GET.get("after", ""))), unikernel_id)


@page()
def unikernel_console_text(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """All lines that are kept, as a file."""
    row = load_unikernel(actor_of(request), unikernel_id)
    return download(request, watched.all_lines(row), "txt", f"console-{row.name}")


class _Tail:
    """Each look gives the lines that came since the one before, and how it stands."""

    def __init__(self, after: int) -> None:
        self._after = after

    def __call__(self, actor: Actor, unikernel_id: int, csrf_token: str) -> Fragment:
        row, now = load_unikernel(actor, unikernel_id), timezone.now()
        lines = watched.lines_after(row, self._after)
        if lines:
            self._after = lines[-1].pk
        told = now_context(row, watched.last_ends(row), now)
        context = {**told, "lines": [_line(each, now) for each in lines]}
        return Fragment(render_to_string("panel/unikernel/console_more.html", context), is_final=False)


def now_context(row: Unikernel, ends: Sequence[UnikernelExit], now: datetime) -> dict[str, Any]:
    """What is true of it now; changes with each look of the watcher and no more often.

    `ends` are its last ones, newest first.
    """
    watch = UnikernelWatch.objects.filter(unikernel=row).first()
    host_watch = HostWatch.objects.filter(host=row.share.host_id).first()
    return {
        "banner": life_banner(row, watch, host_watch, ends, now),
        "standing_now": standing_now(watch, now),
        "skipped": watch.skipped if watch else 0,
    }


def _line(line: ConsoleLine, now: datetime) -> dict[str, Any]:
    local = timezone.localtime(line.at)
    return {
        "id": line.pk,
        "text": line.text,
        "at": times.moment(line.at, now),
        "clock": f"{local:%H:%M:%S}.{local.microsecond // 1000:03}",
    }


def _number(text: str) -> int:
    """An id in a query; 0 for none or nonsense."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_ID))
    return min(int(text), _MOST_ID) if is_number else 0


# Load ---------------------------------------------------------------------------------------------------


@page()
def unikernel_load(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """CPU, memory and traffic of the last hour, day or month."""
    row, now = load_unikernel(actor_of(request), unikernel_id), timezone.now()
    name = request.GET.get("span", "")
    name = name if name in SPANS else "hour"
    samples = watched.samples_since(row, now - SPANS[name], lasting=name == "month")
    context = {
        **unikernel_tabs(row, "unikernel-load"),
        **now_context(row, watched.last_ends(row), now),
        "row": row,
        "graphs": _graphs(samples, now - SPANS[name], now, lasting=name == "month") if samples else [],
        "width": graphs.WIDTH,
        "height": graphs.HEIGHT,
        "spans": [{"name": each, "current": each == name} for each in SPANS],
        "span": name,
        "memory": row.memory,
    }
    return render(request, "panel/unikernel/load.html", context)


def _graphs(samples: list[Sample], since: datetime, now: datetime, *, lasting: bool) -> list[graphs.Graph]:
    step = max(graphs.step_of(now - since), timedelta(minutes=10) if lasting else timedelta())
    points = graphs.thinned(samples, step)

    def clock(at: datetime) -> str:
        return times.clock(at, now)

    def drawn(title: str, series: list[graphs.Series], unit: Any) -> graphs.Graph:
        return graphs.draw(title, series, since, now, unit, clock)

    return [
        drawn("CPU", [graphs.rates("CPU", points, step, lambda each: each.cpu // 10_000)], graphs.percent),
        drawn("Memory", [graphs.levels("Memory", points, step, lambda each: each.memory)], graphs.size),
        drawn(
            "Traffic",
            [
                graphs.rates("Received", points, step, lambda each: each.received),
                graphs.rates("Sent", points, step, lambda each: each.sent),
            ],
            graphs.per_second,
        ),
    ]
