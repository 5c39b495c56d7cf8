"""What a booted submission server and relay do with the entries of relay.git: log in, and send on.

Both tables are filled in the order of the listing. Of several files with one local part the last gives
the digest, while their targets are joined.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from tenants.formats.forward_path import ForwardPath, RelayFaultError, parse_recipient
from tenants.formats.mailbox_syntax import Literal, LocalPart, Name, parse_local_part
from tenants.formats.relay_entry import Readable, Unreadable, read
from tenants.formats.relay_reading import host_problem

_POSTMASTER = (b"Postmaster",)


@dataclass(frozen=True)
class RelayTable:
    """Digests and paths by local part, and the files that were skipped, with the reason."""

    digests: dict[LocalPart, str] = field(default_factory=dict, repr=False)
    paths: dict[LocalPart, dict[tuple[object, ...], ForwardPath]] = field(default_factory=dict)
    skipped: dict[bytes, Unreadable] = field(default_factory=dict)


def login_table(files: Iterable[tuple[bytes, bytes]]) -> RelayTable:
    """Return the table of (name, content) pairs of the root, in the order of the listing."""
    table = RelayTable()
    for name, content in files:
        found = read(name, content)
        if isinstance(found, Readable):
            table.digests[found.local] = found.digest
            known = table.paths.setdefault(found.local, {})
            for path in found.paths:
                known.setdefault(path.identity, path)
        else:
            table.skipped[name] = found
    return table


def find_login(table: RelayTable, user: str | bytes) -> str | None:
    """Return the digest that a user name's password must have, or None when nobody has that name.

    Raises RelayFaultError for a name that is no local part (such as a whole address).
    """
    raw = _bytes(user)
    local = parse_local_part(raw)
    if local is None:
        message = f"Invalid username: {ocaml_string(raw)}"
        raise RelayFaultError(message)
    return table.digests.get(local)


def log_in(table: RelayTable, user: str | bytes, password: str | bytes) -> bool:
    """Whether AUTH PLAIN with this user name and password succeeds; raises as `find_login`."""
    # What follows a NUL in the user name belongs to the password (RFC 4616).
    name, _, secret = (_bytes(user) + b"\0" + _bytes(password)).partition(b"\0")
    digest = find_login(table, name)
    given = hashlib.blake2b(secret).hexdigest()
    return digest is not None and hmac.compare_digest(digest, given)


def expand_recipient(
    table: RelayTable, recipient: str | bytes | ForwardPath, domain: str, postmaster: str | None = None
) -> tuple[str, ...]:
    """Return the recipients, sorted, to which the relay of `domain` sends mail for `recipient` (what
    follows `RCPT TO:`).

    `postmaster` is the relay's own setting, whose domain `<Postmaster>` goes to. Raises RelayFaultError where
    ptt raises: in the relay's delivery that stops the unikernel.
    """
    groups = _aggregate(_path(recipient), domain)
    expanded = _Groups()
    expanded.by_address = groups.by_address
    for key, group in groups.by_domain.items():
        if key != _key(domain):
            expanded.by_domain[key] = group
        elif group.everybody:
            for path in (path for known in table.paths.values() for path in known.values()):
                expanded.add(path)
        elif group.postmaster_only:
            host = (postmaster or f"postmaster@{domain}").rpartition("@")[2]
            expanded.add_postmaster(Name(tuple(host.encode().split(b"."))))
        else:
            for words in group.locals.values():
                for path in reversed(table.paths.get(words, {}).values()):
                    expanded.add(path)
    return expanded.lines()


def forward_recipient(recipient: str | bytes | ForwardPath, domain: str) -> tuple[str, ...]:
    """Return the recipients that a ptt server without a table (submission, signer, receiver, spam
    filter) names to the next one. Raises RelayFaultError as `expand_recipient`."""
    return _aggregate(_path(recipient), domain).lines()


def file_name(local: LocalPart) -> bytes:
    """Return the path that ptt.adduser gives to a user's file; a `/` in it means that no unikernel
    reads it, and empty that it is the root itself."""
    parts = (ocaml_string(word.text).encode("ascii") if word.quoted else word.text for word in local)
    return b"/".join(segment for segment in b".".join(parts).split(b"/") if segment)


def ocaml_string(text: bytes) -> str:
    """Write bytes as OCaml's `%S` does."""
    short = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x08: "\\b"}
    pieces = (short.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}") for byte in text)
    return '"' + "".join(pieces) + '"'


@dataclass
class _Group:
    """The recipients of one domain or address: everybody, or local parts by their text."""

    domain: Name | Literal
    everybody: bool = False
    locals: dict[tuple[bytes, ...], LocalPart] = field(default_factory=dict)
    postmaster_only: bool = False

    def lines(self) -> list[str]:
        host = bytes(self.domain)
        texts = [b".".join(texts) for texts in self.locals]
        if self.everybody or self.postmaster_only:
            texts = [b"Postmaster"]
        return [(b"<" + text + b"@" + host + b">").decode("utf-8", "surrogateescape") for text in texts]


class _Groups:
    """Recipients grouped as ptt groups them before it asks for mail exchangers."""

    def __init__(self) -> None:
        self.by_domain: dict[tuple[bytes, ...], _Group] = {}
        self.by_address: dict[bytes, _Group] = {}

    def add(self, path: ForwardPath) -> None:
        group = self._group(path.domain)
        texts = tuple(word.text for word in path.words)
        if group is None or group.everybody or texts in group.locals:
            return
        if path.kind == "domain":
            group.everybody = True
        else:
            if group.postmaster_only:
                group.postmaster_only = False
                group.locals[_POSTMASTER] = ()
            group.locals[texts] = path.words
        if path.domain is not None:
            group.domain = path.domain  # the spelling of the last one that was added

    def add_postmaster(self, domain: Name) -> None:
        group = self._group(domain)
        if group is None or group.everybody or _POSTMASTER in group.locals:
            return
        if group.locals:
            group.locals[_POSTMASTER] = ()
        else:
            group.postmaster_only = True

    def lines(self) -> tuple[str, ...]:
        groups = [*self.by_domain.values(), *self.by_address.values()]
        return tuple(sorted(line for group in groups for line in group.lines()))

    def _group(self, domain: Name | Literal | None) -> _Group | None:
        if isinstance(domain, Name):
            problem = host_problem(domain)
            if problem is not None:
                raise RelayFaultError(problem)
            return self.by_domain.setdefault(_labels(domain), _Group(domain))
        if domain is None or domain.general:
            return None
        return self.by_address.setdefault(bytes(domain), _Group(domain))


def _aggregate(path: ForwardPath, domain: str) -> _Groups:
    groups = _Groups()
    if path.kind == "postmaster":
        groups.add_postmaster(Name(tuple(domain.encode().split(b"."))))
    else:
        groups.add(path)
    return groups


def _path(recipient: str | bytes | ForwardPath) -> ForwardPath:
    return recipient if isinstance(recipient, ForwardPath) else parse_recipient(_bytes(recipient))


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _labels(domain: Name) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in domain.labels)


def _key(domain: str) -> tuple[bytes, ...]:
    return tuple(domain.lower().encode().split(b"."))
