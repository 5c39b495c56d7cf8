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

from tenants.formats.forward_path import ForwardPath
from tenants.formats.mailbox_syntax import Domain, LocalPart, Name
from workers.sandbox.paths import BadHostError, DomainKey, address_key, domain_key, domain_text

#: The address of the MX of a domain, as any comparable text; None when it has none.
MxOf = Callable[[str], str | None]

#: Where the mail of each user goes, the target that was read last first.
Targets = Mapping[LocalPart, Sequence[ForwardPath]]

#: A local part as recipients are told apart within a domain: the texts of its words.
_Texts = tuple[bytes, ...]
_POSTMASTER: _Texts = (b"Postmaster",)


def own_mx(domain: str) -> str | None:
    """The default MX table: every domain has an MX of its own, except below `.invalid` (RFC 6761)."""
    name = domain.lower()
    return None if name == "invalid" or name.endswith(".invalid") else name


@dataclass(frozen=True, slots=True)
class Group:
    """One connection: the recipients that are sent together to the mail exchanger `mx` of `domain`."""

    mx: str
    domain: Domain
    recipients: tuple[ForwardPath, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The connections to make, and the domains for which there is no MX."""

    groups: tuple[Group, ...]
    unreachable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a domain has to receive: everybody, its postmaster, or some local parts (found last, first)."""

    everybody: bool = False
    postmaster: bool = False
    locals: tuple[ForwardPath, ...] = ()

    @property
    def texts(self) -> frozenset[_Texts]:
        return frozenset(path.local for path in self.locals)


class _Wishes:
    """What is wanted for each domain and for each address, with the spelling of a domain that came last."""

    def __init__(self) -> None:
        self._domains: dict[DomainKey, tuple[Name, _Wanted]] = {}
        self.addresses: dict[str, tuple[Domain, _Wanted]] = {}

    def replace(self, domain: Name, wanted: _Wanted) -> None:
        self._domains[domain_key(domain)] = (domain, wanted)

    def add(self, path: ForwardPath, *, our_domain: Name) -> None:
        everybody = _Wanted(everybody=True)
        wanted = everybody if path.kind == "domain" else _Wanted(locals=(path,))
        if path.kind == "postmaster":
            self.add_to_domain(our_domain, _Wanted(postmaster=True))
        elif isinstance(path.domain, Name):
            self.add_to_domain(path.domain, wanted)
        elif path.domain is not None and (address := address_key(path.domain)):
            known = self.addresses.get(address, (path.domain, _Wanted()))
            self.addresses[address] = (known[0], _merge(known[1], wanted))

    def add_to_domain(self, domain: Name, wanted: _Wanted) -> None:
        key = domain_key(domain)
        known = self._domains.get(key)
        merged = wanted if known is None else _merge(known[1], wanted)
        if known is None or merged != known[1]:
            self._domains[key] = (domain, merged)

    def in_order(self) -> list[tuple[Name, _Wanted]]:
        return [self._domains[key] for key in sorted(self._domains)]


def _merge(known: _Wanted, new: _Wanted) -> _Wanted:
    if new.everybody or known.everybody:
        return _Wanted(everybody=True)
    if new.postmaster:
        if known.postmaster or _POSTMASTER in known.texts:
            return known
        return _Wanted(locals=(_postmaster(), *known.locals))
    if known.postmaster:
        return _Wanted(locals=(*new.locals, _postmaster()))
    fresh = tuple(path for path in new.locals if path.local not in known.texts)
    return _Wanted(locals=(*fresh, *known.locals)) if fresh else known


def _postmaster() -> ForwardPath:
    return ForwardPath("path", _POSTMASTER)


def _expand(
    recipients: Iterable[ForwardPath], *, our_domain: Name, targets: Targets | None, postmaster_domain: Name
) -> _Wishes:
    """Replace the recipients of our domain by their targets, once: a target is never looked up again."""
    asked = _Wishes()
    for path in recipients:
        asked.add(path, our_domain=our_domain)
    if targets is None:
        return asked
    expanded = _Wishes()
    expanded.addresses = asked.addresses
    for domain, wanted in asked.in_order():
        if domain_key(domain) != domain_key(our_domain):
            expanded.replace(domain, wanted)  # not `add`: ptt forgets the targets found in this domain
        elif wanted.postmaster:
            expanded.add_to_domain(postmaster_domain, _Wanted(postmaster=True))
        else:
            found = (
                targets.values() if wanted.everybody else (targets.get(p.words, ()) for p in wanted.locals)
            )
            for target in (target for paths in found for target in paths):
                expanded.add(target, our_domain=our_domain)
    return expanded


def plan(
    recipients: Iterable[ForwardPath],
    *,
    our_domain: Name,
    targets: Targets | None,
    postmaster_domain: Name,
    mx_of: MxOf,
) -> Plan:
    """The connections that ptt makes for a mail to these recipients.

    `targets` is None in the submission server, which knows no aliases. Raises BadHostError.
    """
    wishes = _expand(recipients, our_domain=our_domain, targets=targets, postmaster_domain=postmaster_domain)
    groups = dict(wishes.addresses)
    unreachable = []
    for domain, wanted in wishes.in_order():
        mx = mx_of(domain_text(domain))
        if mx is None:
            unreachable.append(domain_text(domain))
        elif mx not in groups or wanted.everybody:
            groups[mx] = (domain, wanted)
        elif not groups[mx][1].everybody:
            # The whole group moves to the last domain: this is the misdelivery.
            groups[mx] = (domain, _merge(groups[mx][1], wanted))
    found = (Group(mx, groups[mx][0], _lines(*groups[mx])) for mx in sorted(groups))
    return Plan(tuple(found), tuple(unreachable))


def _lines(domain: Domain, wanted: _Wanted) -> tuple[ForwardPath, ...]:
    if wanted.everybody or wanted.postmaster:
        return (ForwardPath("domain", domain=domain),)
    # ptt joins the words with dots and forgets that some were quoted.
    return tuple(ForwardPath("path", path.local, domain) for path in wanted.locals)


def sender_for(
    recipients: Sequence[ForwardPath], *, our_domain: Name, targets: Targets
) -> ForwardPath | None:
    """The envelope sender that the relay puts in place of the original one, or None to keep the original.

    Only when exactly one recipient is at our domain and has an entry does the relay send in its name.
    """
    ours = domain_key(our_domain)
    named = [
        path
        for path in recipients
        if path.kind == "postmaster"
        or (path.kind == "path" and isinstance(path.domain, Name) and domain_key(path.domain) == ours)
    ]
    if len(named) != 1 or named[0].kind == "postmaster":
        return None
    return named[0] if targets.get(named[0].words) else None


def reachable(recipients: Iterable[ForwardPath]) -> bool:
    """Whether ptt takes the mail at all: no recipient may be written at something that is no host name.

    A domain without MX is let through here and dropped later, as ptt does.
    """
    for path in recipients:
        try:
            if isinstance(path.domain, Name):
                domain_key(path.domain)
        except BadHostError:
            return False
    return True
