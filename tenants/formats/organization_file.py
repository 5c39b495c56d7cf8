"""A whole organization as one file: JSON with a version, in the clear without secrets, sealed with them.

Unknown names are refused rather than passed over: a file that says more than is known here is not taken in
half.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from tenants.formats.organization_machines import (
    GitRepository,
    Hook,
    MachineHost,
    MachineImage,
    MailStack,
    NameServer,
    Part,
    SignerKey,
    ZoneRepository,
)
from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.formats.text import FormatError, printable
from tenants.formats.way_out.archive import opened, sealed

FORMAT = "rookery-organization"
VERSION = 2
READ = (1, 2)
"""Version 1 knew no places and machines."""
MOST_DOMAINS = 500
_SEALED = b"rookery-organization-sealed-1\n"
_AROUND = 128  # what sealing adds
_FEWER = "Take its domains along in several files, or one by one by their way out."


class Person(Part, frozen=True):
    email: str
    role: str
    name: str = ""


class Name(Part, frozen=True):
    """A name that is kept back: `kind` is reserved or never."""

    local_part: str
    kind: str
    reason: str = ""


class Address(Part, frozen=True):
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


class Requests(Part, frozen=True):
    """`decide_within_days` of None: a request waits without end."""

    pattern: str
    mail_domains: tuple[str, ...]
    most: int
    most_each: int
    decide_within_days: int | None


class Aliases(Part, frozen=True):
    """What people may make for mailboxes that they hold."""

    pattern: str
    most_each: int
    longest_days: int | None


class MailDomain(Part, frozen=True):
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
    signing_keys: tuple[SignerKey, ...] = ()
    repository: GitRepository | None = None
    stack: MailStack | None = None


class OrganizationFile(Part, frozen=True):
    """`made_at` in ISO 8601; `left_out` says in sentences what of the organization is not in the file."""

    format: str
    version: int
    made_at: str
    name: str
    people: tuple[Person, ...] = ()
    domains: tuple[MailDomain, ...] = ()
    zone_repositories: tuple[ZoneRepository, ...] = ()
    name_servers: tuple[NameServer, ...] = ()
    hosts: tuple[MachineHost, ...] = ()
    images: tuple[MachineImage, ...] = ()
    webhooks: tuple[Hook, ...] = ()
    left_out: tuple[str, ...] = ()


def written(file: OrganizationFile) -> bytes:
    """Readable JSON, a line for each thing. Raises FormatError for more than is read."""
    _require_room(file)
    content = msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
    _require_size(content, around=_AROUND)
    return content


def written_sealed(file: OrganizationFile, public_key: bytes) -> bytes:
    """For whoever has the private key (`way_out.archive.new_key`). Raises FormatError as `written`."""
    return _SEALED + sealed(written(file), public_key)


def is_sealed(content: bytes) -> bool:
    return content.startswith(_SEALED)


def has_secrets(file: OrganizationFile) -> bool:
    keys = [key for each in file.zone_repositories for key in each.keys]
    keys += [each.key for each in file.name_servers]
    return (
        any(address.password_hash for domain in file.domains for address in domain.addresses)
        or any(key.seed for domain in file.domains for key in domain.signing_keys)
        or any(key.secret for key in keys)
        or any(each.secrets for host in file.hosts for each in host.unikernels)
        or any(hook.url for hook in file.webhooks)
    )


def read_file(content: bytes, key: str = "") -> OrganizationFile:
    """Raises FormatError (field `file`, or `key`) for what is no export of an organization, or too large."""
    _require_size(content)
    if is_sealed(content):
        content = opened(content[len(_SEALED) :], key)
    elif key:
        raise FormatError("key", "This file is not sealed.", "Leave the key out.")
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


def _require_size(content: bytes, around: int = 0) -> None:
    if len(content) + around > MAX_BYTES:
        raise FormatError(
            "file", f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are read.", _FEWER
        )


def _require_known(file: OrganizationFile) -> None:
    if file.format != FORMAT or file.version not in READ:
        read = " and ".join(str(each) for each in READ)
        raise FormatError(
            "file",
            f"This is “{printable(file.format, 40)}” {file.version}; “{FORMAT}” {read} are read.",
            "Export it with this version of Rookery.",
        )
    _require_room(file)
    names = Counter(domain.name.lower() for domain in file.domains)
    double = next((name for name, count in names.items() if count > 1), None)
    if double is not None:
        raise FormatError("file", f"{printable(double, 80)} is there twice.", "Keep one of them.")


def _require_room(file: OrganizationFile) -> None:
    count = len(file.people) + len(file.images) + len(file.webhooks) + len(file.name_servers)
    count += sum(len(each.keys) + 1 for each in file.zone_repositories)
    count += sum(len(each.unikernels) + len(each.rules) + 1 for each in file.hosts)
    for each in file.domains:
        count += len(each.addresses) + len(each.held_names) + len(each.roles) + len(each.signing_keys)
    if len(file.domains) > MOST_DOMAINS or count > MAX_ROWS:
        raise FormatError(
            "file",
            f"It has {len(file.domains):,} domains with {count:,} addresses, names and other things;"
            f" {MOST_DOMAINS:,} and {MAX_ROWS:,} are the most.",
            _FEWER,
        )
