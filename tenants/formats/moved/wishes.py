"""What another mail server says, as wishes about addresses of one domain, with what could not come along.

ptt sends mail on and keeps none, and its relay looks no address of its own domain up again. So a mailbox
comes as an address whose mail goes to the outside addresses that it went to, and an alias of local mailboxes
as one whose mail goes where theirs goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tenants.formats.address_rows import Wish
from tenants.formats.moved.found import FoundAddress
from tenants.formats.text import FormatError, printable

MOST_STEPS = 400
"""From one address to all that get its mail in the end."""


@dataclass
class _Address:
    """All that a file says about one address, together."""

    place: int
    name: str
    parts: list[FoundAddress] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(each for part in self.parts for each in part.targets))

    @property
    def own(self) -> FoundAddress | None:
        """Its mailbox, if it has one."""
        return next((part for part in self.parts if part.keeps_mail), None)

    @property
    def keeps_mail(self) -> bool:
        targets = {each.lower() for each in self.targets}
        return self.own is not None and (not targets or self.name in targets)

    @property
    def enabled(self) -> bool:
        return all(part.enabled for part in self.parts)

    @property
    def is_only_a_quota(self) -> bool:
        return all(part.quota and not part.keeps_mail and not part.targets for part in self.parts)


def wishes_of(found: Iterable[FoundAddress], *, domain: str, unit: str) -> list[Wish]:
    """One wish for each address of `domain`, in order; those of another domain are told in one row."""
    domain = domain.lower()
    here: dict[str, _Address] = {}
    elsewhere: dict[str, list[FoundAddress]] = {}
    wishes = []
    for each in found:
        name = each.address.lower()
        _, at, host = name.rpartition("@")
        if each.pattern or not at:
            wishes.append(_refused(each, _why_no_address(each, domain)))
        elif each.stands_for:
            if domain in (host, each.stands_for.lower()):
                wishes.append(_refused(each, _whole_domain(each)))
        elif host != domain:
            elsewhere.setdefault(host, []).append(each)
        elif name == f"@{domain}":
            wishes.append(_refused(each, _CATCH_ALL))
        else:
            here.setdefault(name, _Address(each.place, name)).parts.append(each)
    wishes += [_of_another(host, rows, unit) for host, rows in elsewhere.items()]
    wishes += [_wish(each, here, domain) for each in here.values() if not each.is_only_a_quota]
    return sorted(wishes, key=lambda wish: wish.place)


# Rows that no address comes of --------------------------------------------------------------------------

_CATCH_ALL = FormatError(
    "address",
    "This takes the mail of every address that there is not, and ptt's relay has no such thing.",
    "Make the addresses that are really used; the others are refused to their senders.",
)


def _refused(each: FoundAddress, problem: FormatError) -> Wish:
    return Wish(each.place, printable(each.address, 120), "", {}, (problem,))


def _why_no_address(each: FoundAddress, domain: str) -> FormatError:
    if each.pattern:
        return FormatError("address", "This is a pattern, and ptt's relay has none.", "Make its addresses.")
    return FormatError(
        "address",
        "This names no domain.",
        f"Write “{printable(each.address, 60)}@{domain}” if that is meant.",
    )


def _whole_domain(each: FoundAddress) -> FormatError:
    return FormatError(
        "address",
        f"All of {printable(each.address[1:], 80)} stands for {printable(each.stands_for, 80)} there; ptt"
        " knows single addresses only.",
        "Add that domain on its own, and import the same addresses into it.",
    )


def _of_another(host: str, rows: Sequence[FoundAddress], unit: str) -> Wish:
    count = len({each.address.lower() for each in rows})
    told = f"{count:,} address is" if count == 1 else f"{count:,} addresses are"
    problem = FormatError(
        "address",
        f"{told} of {printable(host, 80)}, from {unit} {rows[0].place} on.",
        "Import the same file into that domain, too; here they are left out.",
    )
    return Wish(rows[0].place, printable(f"@{host}", 120), "", {}, (problem,))


# Addresses ----------------------------------------------------------------------------------------------


def _wish(each: _Address, here: Mapping[str, _Address], domain: str) -> Wish:
    mailboxes = [part for part in each.parts if part.keeps_mail]
    if len(mailboxes) > 1:
        others = ", ".join(str(part.place) for part in mailboxes[:3])
        problem = FormatError(
            "address", f"This mailbox is there several times: {others}.", "Keep one of them."
        )
        return Wish(each.place, printable(each.name, 120), "", {}, (problem,))
    remarks: list[str] = []
    targets, problem_on_the_way = _outside(each, here, remarks)
    values: dict[str, object] = {"targets": tuple(targets) or None}
    if each.own is not None and each.own.note.strip():
        values["note"] = each.own.note.strip()
    if not each.enabled:
        values["enabled"] = False
        remarks.append("It is switched off there, and comes switched off.")
    remarks += _of_mailbox(each, reached=bool(targets))
    return Wish(
        each.place,
        printable(each.name, 120),
        each.name.rpartition("@")[0],
        values,
        (problem_on_the_way,) if problem_on_the_way is not None else (),
        tuple(remarks),
    )


def _outside(
    each: _Address, here: Mapping[str, _Address], remarks: list[str]
) -> tuple[list[str], FormatError | None]:
    """Where its mail leaves the domain, in order; an address of the domain that the file does not have stays
    for the import to refuse."""
    found: dict[str, str] = {}
    through: dict[str, None] = {}
    waiting, notices, steps = list(reversed(each.targets)), 0, 0
    while waiting:
        target, steps = waiting.pop(), steps + 1
        name = target.lower()
        if _is_absence_notice(name):
            notices += 1
        elif name in here and name != each.name:
            if name not in through:
                through[name] = None
                waiting += reversed(here[name].targets if here[name].enabled else [])
        elif name != each.name:
            found.setdefault(name, target)
        if steps > MOST_STEPS or len(waiting) > MOST_STEPS:
            return [], FormatError(
                "targets",
                f"Its mail goes to more than {MOST_STEPS} addresses, one after the other.",
                "Use a mailing list, or make it by hand as an alias of mailboxes.",
            )
    if through:
        remarks.append(_through(list(through), here))
    if notices:
        remarks.append("Its notice of absence does not come along: ptt answers no mail.")
    return list(found.values()), None


def _is_absence_notice(name: str) -> bool:
    local, _, host = name.rpartition("@")
    return "#" in local and host.startswith("autoreply.")


def _through(names: Sequence[str], here: Mapping[str, _Address]) -> str:
    told = ", ".join(printable(name.rpartition("@")[0], 64) for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    kept = any(here[name].keeps_mail for name in names)
    return (
        f"It sends mail on to {told}{more}, of this domain. What is taken is where their mail goes outside"
        f"{', not what is kept there' if kept else ''}; later changes to them do not follow. Choose them"
        " under “delivers to” on its page if they should."
    )


def _of_mailbox(each: _Address, *, reached: bool) -> Iterator[str]:
    own = each.own
    if own is not None and own.scheme:
        yield (
            f"Its passphrase is kept there as {own.scheme}, and ptt can check BLAKE2b only: it does not come"
            " along. Set a new one on its page, or let its holder do so; before that nobody can send from it."
        )
    if each.keeps_mail:
        yield (
            "Its mail is kept on that server, and ptt keeps none:"
            + (" new mail goes only to those named here." if reached else " nobody gets its mail yet.")
            + ("" if reached else " Write on its page where it is to go.")
        )
    elif not reached:
        yield "Nobody outside gets its mail. Write on its page where it is to go."
    quota = next((part.quota for part in each.parts if part.quota), "")
    if quota:
        yield f"Its quota of {quota} does not come along: ptt keeps no mail."
