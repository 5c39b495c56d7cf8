"""A whole organization as one file: JSON with a version, in the clear without secrets, sealed with them.

Unknown names are refused rather than passed over: a file that says more than is known here is not taken in
half.
"""

from __future__ import annotations

import msgspec

from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.formats.text import FormatError, printable
from tenants.formats.way_out.archive import opened, sealed

FORMAT = "rookery-organization"
VERSION = 1
MOST_DOMAINS = 500
_SEALED = b"rookery-organization-sealed-1\n"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Person(_Part, frozen=True):
    email: str
    role: str
    name: str = ""


class Name(_Part, frozen=True):
    """A name that is kept back: `kind` is reserved or never."""

    local_part: str
    kind: str
    reason: str = ""


class Address(_Part, frozen=True):
    """`password_hash` (BLAKE2b-512, hex) only in a sealed file; `has_passphrase` says that there is one."""

    local_part: str
    targets: tuple[str, ...] = ()
    delivers_to: tuple[str, ...] = ()
    note: str = ""
    enabled: bool = True
    has_passphrase: bool = False
    password_hash: str | None = None
    holders: tuple[str, ...] = ()
    expires_at: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.local_part!r})"


class Requests(_Part, frozen=True):
    """`decide_within_days` of None: a request waits without end."""

    pattern: str
    mail_domains: tuple[str, ...]
    most: int
    most_each: int
    decide_within_days: int | None


class Aliases(_Part, frozen=True):
    """What people may make for mailboxes that they hold."""

    pattern: str
    most_each: int
    longest_days: int | None


class MailDomain(_Part, frozen=True):
    """`zone` is the zone as BIND writes it, without keys; None where Rookery keeps none."""

    name: str
    requests: str
    submission_host: str = ""
    request_rules: Requests | None = None
    alias_rules: Aliases | None = None
    held_names: tuple[Name, ...] = ()
    roles: tuple[Person, ...] = ()
    addresses: tuple[Address, ...] = ()
    zone: str | None = None


class OrganizationFile(_Part, frozen=True):
    """`made_at` in ISO 8601; `left_out` says in sentences what of the organization is not in the file."""

    format: str
    version: int
    made_at: str
    name: str
    people: tuple[Person, ...] = ()
    domains: tuple[MailDomain, ...] = ()
    left_out: tuple[str, ...] = ()


def written(file: OrganizationFile) -> bytes:
    """Readable JSON, a line for each thing."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def written_sealed(file: OrganizationFile, public_key: bytes) -> bytes:
    """For whoever has the private key (`way_out.archive.new_key`)."""
    return _SEALED + sealed(written(file), public_key)


def is_sealed(content: bytes) -> bool:
    return content.startswith(_SEALED)


def read_file(content: bytes, key: str = "") -> OrganizationFile:
    """Raises FormatError (field `file`, or `key`) for what is no export of an organization, or too large."""
    if is_sealed(content):
        content = opened(content[len(_SEALED) :], key)
    if len(content) > MAX_BYTES:
        raise FormatError(
            "file",
            f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are read.",
            "Take fewer domains.",
        )
    try:
        file = msgspec.json.decode(content, type=OrganizationFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(
            "file",
            f"This is no export of an organization, or of a later version: {printable(str(error), 200)}.",
            "Send the file as Rookery wrote it.",
        ) from None
    _require_known(file)
    return file


def _require_known(file: OrganizationFile) -> None:
    if file.format != FORMAT or file.version != VERSION:
        raise FormatError(
            "file",
            f"This is “{printable(file.format, 40)}” {file.version}; “{FORMAT}” {VERSION} is read.",
            "Export it with this version of Rookery.",
        )
    count = sum(len(domain.addresses) + len(domain.held_names) for domain in file.domains)
    if len(file.domains) > MOST_DOMAINS or count > MAX_ROWS:
        raise FormatError(
            "file",
            f"It has {len(file.domains):,} domains with {count:,} addresses and names; {MOST_DOMAINS:,} and"
            f" {MAX_ROWS:,} are the most.",
            "Cut it into several files.",
        )
    names = [domain.name.lower() for domain in file.domains]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise FormatError("file", f"{printable(double, 80)} is there twice.", "Keep one of them.")
