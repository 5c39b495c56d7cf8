"""A request's way as a parcel: asked → confirmed by mail → decided → written → works. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from panel.web import address_state as states
from panel.web import sentences, times
from panel.web.address_state import AddressStanding
from tenants.models import AddressRequest

Status = AddressRequest.Status


@dataclass(frozen=True)
class ParcelStep:
    """One stop; the fields of parts/timeline.html."""

    title: str
    state: str
    detail: str = ""
    at: datetime | None = None
    when: str = ""


@dataclass(frozen=True)
class Parcel:
    """`final` says that nothing will change by itself any more."""

    sentence: str
    timeline: tuple[ParcelStep, ...]
    final: bool
    can_withdraw: bool
    works: bool


def parcel_of(request: AddressRequest, standing: AddressStanding | None, now: datetime) -> Parcel:
    """The way of `request`; `standing` is that of its address, while there is one."""
    address = request.address
    written, works = _outside(request, standing, now)
    timeline = (
        _step("Asked", "done", "From the request page", request.asked_at, now),
        _confirmed(request, now),
        *_reminded(request, now),
        _decided(request, now),
        written,
        works,
    )
    done = request.status == Status.APPROVED and standing is not None and standing.state == states.WORKS
    ended = request.status not in {*AddressRequest.OPEN, Status.APPROVED}
    gone = request.status == Status.APPROVED and standing is None
    return Parcel(
        sentence=_sentence(request, standing, address, now),
        timeline=timeline,
        final=done or ended or gone,
        can_withdraw=request.status in AddressRequest.OPEN,
        works=done,
    )


def _step(title: str, state: str, detail: str, at: datetime | None, now: datetime) -> ParcelStep:
    when = times.clock(at, now) if at is not None else ""
    return ParcelStep(title, state, detail, at, f"since {when}" if when and state == "live" else when)


def _confirmed(request: AddressRequest, now: datetime) -> ParcelStep:
    title = "Confirmed by mail"
    if request.confirmed_at is not None:
        return _step(title, "done", "The button in our mail was pressed", request.confirmed_at, now)
    if request.status == Status.ASKED:
        asked = f"We wrote to {request.target}. Press the button in that mail."
        return ParcelStep("Confirm it by mail", "needs", asked)
    return ParcelStep(title, "skip")


def _reminded(request: AddressRequest, now: datetime) -> list[ParcelStep]:
    """A stop of its own, once there was one."""
    if request.reminded_at is None:
        return []
    who = request.domain.organization.name
    return [_step("Reminded", "done", f"We wrote to {who} again", request.reminded_at, now)]


def _decided(request: AddressRequest, now: datetime) -> ParcelStep:
    who = request.domain.organization.name
    match request.status:
        case Status.ASKED:
            return ParcelStep("Decided", "todo", f"{who} decides once you have confirmed")
        case Status.CONFIRMED:
            return _step(
                "Being decided",
                "live",
                f"{who} has been told. You get a yes, or a no with a reason.",
                request.confirmed_at,
                now,
            )
        case Status.APPROVED:
            by_itself = request.given_to or (request.invitation is not None and request.decided_by_id is None)
            said = f"{who} said yes{' beforehand' if by_itself else ''}"
            return _step("Approved", "done", said, request.decided_at, now)
        case Status.REFUSED:
            return _step("Refused", "fail", f"The reason: {request.reason}", request.decided_at, now)
    title, detail, at = {
        Status.TAKEN: ("Not to be had", "This address is taken or kept back.", request.confirmed_at),
        Status.LAPSED: ("Not decided", f"{who} did not decide in time", request.decided_at),
        Status.EXPIRED: ("Expired", "Nobody confirmed it in time", request.decided_at),
        Status.WITHDRAWN: ("Taken back", "You took the request back.", request.decided_at),
    }[Status(request.status)]
    return _step(title, "fail", detail, at, now)


def _until(request: AddressRequest, now: datetime) -> str:
    if request.decide_by is None:
        return ""
    return f" Without an answer it ends by itself: {times.clock(request.decide_by, now)}."


def _outside(
    request: AddressRequest, standing: AddressStanding | None, now: datetime
) -> tuple[ParcelStep, ParcelStep]:
    written, works = "Written to the mail server", "Works"
    if request.status in AddressRequest.OPEN:
        return (
            ParcelStep(written, "todo", "A few seconds after a yes"),
            ParcelStep(works, "todo", "Then mail arrives and you can send"),
        )
    if request.status != Status.APPROVED:
        return ParcelStep(written, "skip"), ParcelStep(works, "skip")
    if standing is None:
        return ParcelStep(written, "skip"), ParcelStep(works, "fail", "The address was deleted since.")
    if not standing.observed:
        held = standing.state in {sentences.STOPPED, states.NOT_CONNECTED, states.LEFT_ALONE}
        first = ParcelStep(written, "fail" if held else "live", _why_not_written(standing))
        return first, ParcelStep(works, "todo", "After that")
    first = _step(written, "done", "Read back from there, and equal", standing.observed_at, now)
    return first, _taken_up(works, standing, now)


def _taken_up(title: str, standing: AddressStanding, now: datetime) -> ParcelStep:
    if standing.state == states.WORKS:
        return _step(title, "done", "The mail server uses it", standing.since, now)
    if standing.state in {states.BEING_TAKEN_UP, states.WAITS_FOR_RESTART}:
        return _step(title, "live", "The mail server has to restart first", standing.since, now)
    return ParcelStep(title, "fail", f"The address is {standing.state.word.lower()} now.")


def _why_not_written(standing: AddressStanding) -> str:
    return {
        sentences.STOPPED: "Held up: the owner of the domain has to look at it",
        states.LEFT_ALONE: "Somebody changed it there; the owner of the domain has to decide",
        states.NOT_CONNECTED: "The domain has no mail server yet; its owner has to connect one",
        states.TRYING_AGAIN: "The mail server cannot be reached; we try again by ourselves",
    }.get(standing.state, "This takes a few seconds")


def _sentence(request: AddressRequest, standing: AddressStanding | None, address: str, now: datetime) -> str:
    if request.status != Status.APPROVED:
        return {
            Status.ASKED: (
                f"Nothing happens yet: open the mail that we sent to {request.target}, and confirm it."
            ),
            Status.CONFIRMED: (
                f"Your request waits for the decision of {request.domain.organization}."
                f" The answer comes by mail.{_until(request, now)}"
            ),
            Status.REFUSED: f"Your request for {address} was refused.",
            Status.TAKEN: f"{address} cannot be had. Ask for another address.",
            Status.LAPSED: f"{request.domain.organization} did not decide in time. Nothing was made.",
            Status.EXPIRED: "Nobody pressed the button in our mail in time. Nothing was made; ask again.",
            Status.WITHDRAWN: "You took this request back. Nothing was made.",
        }[Status(request.status)]
    if standing is None:
        return f"{address} was deleted by the owner of its domain."
    if standing.state == states.WORKS:
        return f"Yes: {address} is yours, and it works."
    return f"Yes: {address} is yours. {standing.sentence(address, now)}"
