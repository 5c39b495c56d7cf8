"""Who gets a mail: the recipients that ptt's submission and relay really send to, with ptt's mistakes.

Pure. Measured on ptt 80411d4 and kept on purpose, because Rookery has to protect people from it:

* recipients are grouped by the *address* of their domain's MX, and a group is sent to one domain, so
  targets in two domains that share a mail provider reach wrong people;
* while the entries of our own domain are expanded, a recipient of another domain overwrites the targets in
  that domain found before it;
* a domain that is no strict host name raises (BadHostError) in a place where nobody catches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workers.sandbox.paths import (
    BadHostError,
    Kind,
    Local,
    Path,
    domain_order,
    is_literal,
    literal_address,
    mailbox,
)

#: The address of the MX of a domain, as any comparable text; None when it has none.
MxOf = Callable[[str], str | None]

_POSTMASTER: Local = (("atom", "Postmaster"),)


def own_mx(domain: str) -> str | None:
    """The default MX table: every domain has an MX of its own, except below `.invalid` (RFC 6761)."""
    name = domain.lower()
    return None if name == "invalid" or name.endswith(".invalid") else name


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a domain has to receive: everybody, its postmaster, or some local parts (newest first)."""

    everybody: bool = False
    postmaster: bool = False
    locals: tuple[Local, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """One connection: the recipients that are sent together to the mail exchanger `mx` of `domain`.

    `domain` is a literal in brackets when the recipients were written with an address.
    """

    mx: str
    domain: str
    recipients: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The connections to make, and the domains for which there is no MX."""

    groups: tuple[Group, ...]
    unreachable: tuple[str, ...] = ()


class _Domains:
    """A map from domains, compared as host names, that remembers the spelling of the first entry of a
    domain."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, tuple[str, ...]], tuple[str, _Wanted]] = {}

    def replace(self, domain: str, wanted: _Wanted) -> None:
        self._wanted[domain_order(domain)] = (domain, wanted)

    def add(self, domain: str, wanted: _Wanted) -> None:
        key = domain_order(domain)
        known = self._wanted.get(key)
        merged = wanted if known is None else _merge(known[1], wanted)
        if known is None or merged != known[1]:
            self._wanted[key] = (domain, merged)

    def in_order(self) -> list[tuple[str, _Wanted]]:
        return [self._wanted[key] for key in sorted(self._wanted)]


class _Addresses:
    """The same for recipients written with an address literal."""

    def __init__(self) -> None:
        self.wanted: dict[str, _Wanted] = {}

    def add(self, address: str, wanted: _Wanted) -> None:
        known = self.wanted.get(address)
        self.wanted[address] = wanted if known is None else _merge(known, wanted)


def _merge(known: _Wanted, new: _Wanted) -> _Wanted:
    if new.everybody or known.everybody:
        return _Wanted(everybody=True)
    if new.postmaster:
        if known.postmaster or _POSTMASTER in known.locals:
            return known
        return _Wanted(locals=(_POSTMASTER, *known.locals))
    if known.postmaster:
        return _Wanted(locals=(*new.locals, _POSTMASTER))
    fresh = tuple(local for local in new.locals if local not in known.locals)
    return _Wanted(locals=(*fresh, *known.locals)) if fresh else known


def _collect(paths: Iterable[Path], domains: _Domains, addresses: _Addresses) -> None:
    for path in paths:
        wanted = _Wanted(everybody=True) if path.kind is Kind.WHOLE_DOMAIN else _Wanted(locals=(path.local,))
        if not is_literal(path.domain):
            domains.add(path.domain, wanted)
        elif address := literal_address(path.domain):
            addresses.add(address, wanted)


def aggregate(
    recipients: Iterable[Path],
    *,
    our_domain: str,
    targets: Mapping[Local, Sequence[Path]] | None,
    postmaster_domain: str,
) -> tuple[list[tuple[str, _Wanted]], dict[str, _Wanted]]:
    """Replace the recipients of our domain by their targets, once: a target is never looked up again.

    `targets` is None in the submission server, which knows no aliases. Raises BadHostError.
    """
    domains, addresses = _Domains(), _Addresses()
    for path in recipients:
        if path.kind is Kind.POSTMASTER:
            domains.add(our_domain, _Wanted(postmaster=True))
        else:
            _collect([path], domains, addresses)
    if targets is None:
        return domains.in_order(), addresses.wanted
    ours, expanded = domain_order(our_domain), _Domains()
    for domain, wanted in domains.in_order():
        if domain_order(domain) != ours:
            expanded.replace(domain, wanted)  # not `add`: ptt forgets the targets it had found in this domain
        elif wanted.everybody:
            _collect((path for found in targets.values() for path in found), expanded, addresses)
        elif wanted.postmaster:
            expanded.add(postmaster_domain, _Wanted(postmaster=True))
        else:
            found = (path for local in wanted.locals for path in targets.get(local, ()))
            _collect(found, expanded, addresses)
    return expanded.in_order(), addresses.wanted


def plan(
    recipients: Iterable[Path],
    *,
    our_domain: str,
    targets: Mapping[Local, Sequence[Path]] | None,
    postmaster_domain: str,
    mx_of: MxOf,
) -> Plan:
    """The connections that ptt makes for a mail to these recipients. Raises BadHostError."""
    by_domain, by_address = aggregate(
        recipients, our_domain=our_domain, targets=targets, postmaster_domain=postmaster_domain
    )
    groups: dict[str, tuple[str, _Wanted]] = {
        address: (f"[IPv6:{address}]" if ":" in address else f"[{address}]", wanted)
        for address, wanted in by_address.items()
    }
    unreachable = []
    for domain, wanted in by_domain:
        mx = mx_of(domain)
        if mx is None:
            unreachable.append(domain)
            continue
        known = groups.get(mx)
        if known is None or wanted.everybody:
            groups[mx] = (domain, wanted)
        elif not known[1].everybody:
            merged = _merge_group(known[1], wanted)
            if merged != known[1] or wanted.locals:
                groups[mx] = (domain, merged)  # the whole group moves to the last domain: the misdelivery
    return Plan(
        tuple(Group(mx, domain, _paths(domain, wanted)) for mx, (domain, wanted) in sorted(groups.items())),
        tuple(unreachable),
    )


def _merge_group(known: _Wanted, new: _Wanted) -> _Wanted:
    if new.postmaster or known.postmaster:
        return _merge(known, new)
    return _Wanted(locals=tuple(sorted({*new.locals, *known.locals})))


def _paths(domain: str, wanted: _Wanted) -> tuple[Path, ...]:
    if wanted.everybody or wanted.postmaster:
        return (Path(Kind.WHOLE_DOMAIN, domain=domain),)
    return tuple(mailbox(local, domain) for local in wanted.locals)


def sender_for(
    recipients: Sequence[Path],
    *,
    our_domain: str,
    targets: Mapping[Local, Sequence[Path]],
) -> Path | None:
    """The envelope sender that the relay puts in place of the original one, or None to keep the original.

    Only when exactly one recipient is at our domain and has an entry does the relay send in its name.
    """
    ours = domain_order(our_domain)
    named = [
        path
        for path in recipients
        if path.kind is Kind.POSTMASTER or (path.kind is Kind.MAILBOX and _is_ours(path.domain, ours))
    ]
    if len(named) != 1 or named[0].kind is Kind.POSTMASTER:
        return None
    return named[0] if named[0].local in targets else None


def _is_ours(domain: str, ours: tuple[int, tuple[str, ...]]) -> bool:
    return not is_literal(domain) and domain_order(domain) == ours


def reachable(recipients: Iterable[Path]) -> bool:
    """Whether ptt takes the mail at all: no recipient may be written at something that is no host name.

    A domain without MX is let through here and dropped later, as ptt does.
    """
    for path in recipients:
        if path.kind is Kind.POSTMASTER or is_literal(path.domain):
            continue
        try:
            domain_order(path.domain)
        except BadHostError:
            return False
    return True
