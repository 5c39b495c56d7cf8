"""What the value of a unikernel's argument may be.

An image gets one line, split at blanks, with quotes and backslashes read as a shell does; so no value may
hold them. Messages about secrets never repeat the value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from tenants.formats.addresses import check_domain, check_host_name, split_address
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.dkim_record import check_zone_keeps
from tenants.formats.zones.keyfile import Right, scope_of
from tenants.formats.zones.names import Name
from tenants.formats.zones.seeded_keys import seed_bytes

LONGEST_VALUE = 2000
_UNSAFE = re.compile(r"[\s\"'\\\x00-\x1f\x7f]")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_REMOTE = re.compile(
    r"(?P<user>[A-Za-z0-9._-]{1,64})@(?P<host>[A-Za-z0-9.-]{1,253}):(?P<path>[^:#?*\[~^]{1,400})"
)
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,3}")
_LOGS = re.compile(r"(\*|[A-Za-z0-9._-]+)(:(quiet|app|error|warning|info|debug))?(,[^,\s]+)*")
_HOST_KEY = re.compile(r"(SHA256|rsa|ed25519):[A-Za-z0-9+/]{43}=?")
_NAMESERVER = re.compile(r"(tcp|udp|tls):(\d+\.\d+\.\d+\.\d+)(:\d{1,5})?(![A-Za-z0-9.-]+(![^!\s]+)?)?")
_RESOLVER_URI = re.compile(r"(tcp|udp)://(\d+\.\d+\.\d+\.\d+)(:\d{1,5})?")
_FINGERPRINT = re.compile(r"([a-z0-9.-]+:)?(SHA256|SHA384|SHA512):[A-Za-z0-9+/]{40,90}={0,2}")
_HMACS = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "MD5")
_ONE_LABEL = 1


class Kind(Enum):
    """The type of a value; `flag` takes none."""

    FLAG = "flag"
    TRUTH = "true or false"
    NUMBER = "a number"
    PORT = "a port"
    IPV4 = "an IPv4 address"
    IPV6 = "an IPv6 address"
    IPV4_PREFIX = "an IPv4 address with its prefix length"
    IPV6_PREFIX = "an IPv6 address with its prefix length"
    DOMAIN = "a mail domain"
    HOST = "a host name"
    MAILBOX = "an e-mail address"
    SELECTOR = "a DKIM selector"
    REMOTE = "a repository: user@host:path#branch"
    REMOTE_WITHOUT_BRANCH = "a repository: user@host:path"
    SSH_KEY = "ed25519:KEY or rsa:SEED"
    PASSWORD = "a password"  # noqa: S105 - says what it is
    HOST_KEY = "the fingerprint of an SSH host key"
    TSIG_KEY = "name:SHA256:secret"
    UPDATE_KEY = "name:SHA256:secret, one label before _update"
    SEED = "text"
    BASE64_SEED = "base64"
    DER = "base64 of a certificate"
    DER_KEY = "base64 of a private key"
    FINGERPRINT = "the fingerprint of a certificate or key"
    NAMESERVER = "tcp:ADDRESS, udp:ADDRESS or tls:ADDRESS"
    RESOLVER_URI = "tcp://ADDRESS or udp://ADDRESS"
    FIELDS_COLON = "header fields separated by colons"
    FIELDS_COMMA = "header fields separated by commas"
    KEY_TYPE = "RSA, ED25519, P256, P384 or P521"
    LOGS = "a log level"
    WORD = "text without blanks"


SECRET_KINDS = frozenset(
    {
        *(Kind.SSH_KEY, Kind.PASSWORD, Kind.TSIG_KEY, Kind.UPDATE_KEY),
        *(Kind.SEED, Kind.BASE64_SEED, Kind.DER_KEY),
    }
)
"""Their values are stored sealed; arguments refer to them."""
PLACED = {
    Kind.IPV4_PREFIX: "address",
    Kind.IPV4: "ip or gateway",
}
"""What of a device's place may stand for a value: `{address:service}`, `{ip:…}`, `{gateway:…}`."""


def check_value(kind: Kind, value: str, *, field: str) -> None:
    """Raise FormatError (of `field`) for a value that the unikernel would refuse or silently misread."""
    if len(value) > LONGEST_VALUE:
        raise FormatError(field, "The value is far too long.", f"Use at most {LONGEST_VALUE} characters.")
    if not value or _UNSAFE.search(value) or not value.isascii() or not _fits(kind, value):
        shown = "This value" if kind in SECRET_KINDS else f"“{printable(value, 60)}”"
        raise FormatError(
            field, f"{shown} is not {kind.value}.", _EXAMPLES.get(kind, "Check it for mistakes.")
        )
    if kind is Kind.SELECTOR:
        check_zone_keeps(value, field=field)


def key_zone(value: str) -> Name | None:
    """The zone that a TSIG argument's key may update, or None when it may update none."""
    try:
        scope = scope_of(Name.of(value.split(":", 1)[0]))
    except ValueError:
        return None
    return scope[1] if scope and scope[0] is Right.UPDATE else None


def split_remote(value: str) -> tuple[str, str, str, str] | None:
    """User, host, path and branch (empty: the image's default) of `user@host:path#branch`."""
    place, mark, branch = value.partition("#")
    found = _REMOTE.fullmatch(place)
    if not found or (mark and (not _BRANCH.fullmatch(branch) or ".." in branch)):
        return None
    return found["user"], found["host"], found["path"], branch


def _fits(kind: Kind, value: str) -> bool:
    return _TESTS[kind](value)


def _is_ssh_key(value: str) -> bool:
    form, _, key = value.partition(":")
    return (form == "rsa" and bool(key)) or (form == "ed25519" and len(_decoded(key) or b"") == 32)


def _is_host_key(value: str) -> bool:
    return bool(_HOST_KEY.fullmatch(value)) or len(_decoded(value) or b"") >= 32


def _is_der(value: str) -> bool:
    return len(_decoded(value) or b"") > 32


def _is_number(value: str, least: int, most: int) -> bool:
    return value.isdigit() and len(value) <= 12 and least <= int(value) <= most


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: bool(pattern.fullmatch(value))


def _is_server(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        found = pattern.fullmatch(value)
        return bool(
            found and _is_address(Kind.IPV4, found[2]) and _is_number((found[3] or ":53")[1:], 1, 65535)
        )

    return test


def _is_address(kind: Kind, value: str) -> bool:
    with_prefix = kind in {Kind.IPV4_PREFIX, Kind.IPV6_PREFIX}
    if with_prefix != ("/" in value) or "%" in value:
        return False
    try:
        if kind is Kind.IPV4:
            IPv4Address(value)
        elif kind is Kind.IPV6:
            IPv6Address(value)
        elif kind is Kind.IPV4_PREFIX:
            return IPv4Interface(value).network.prefixlen <= 30 and value.partition("/")[2].isdigit()
        else:
            return value.partition("/")[2].isdigit() and IPv6Interface(value).network.prefixlen <= 126
    except (AddressValueError, ValueError):
        return False
    return True


def _is_name(kind: Kind, value: str) -> bool:
    try:
        if kind is Kind.MAILBOX:
            local, host = split_address(value)
            check_domain(host)
            return bool(local)
        return (check_domain(value) if kind is Kind.DOMAIN else check_host_name(value, field="host")) == value
    except FormatError:
        return False


def _is_key(value: str, *, exact: bool) -> bool:
    """`exact`: certificate code finds the zone by stripping exactly two labels."""
    name, algorithm, secret = (*value.split(":"), "", "")[:3]
    if value.count(":") != 2 or algorithm not in _HMACS or len(_decoded(secret) or b"") < 16:
        return False
    zone = key_zone(name)
    if zone is None:
        return False
    return not exact or (bool(zone.labels) and len(Name.of(name).labels) - len(zone.labels) - 1 == _ONE_LABEL)


def _is_seed(value: str) -> bool:
    try:
        return bool(seed_bytes(value))
    except FormatError:
        return False


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_TESTS: Mapping[Kind, Callable[[str], bool]] = {
    Kind.FLAG: lambda value: not value,
    Kind.TRUTH: lambda value: value in {"true", "false"},
    Kind.NUMBER: lambda value: _is_number(value, 0, 10**12),
    Kind.PORT: lambda value: _is_number(value, 1, 65535),
    **{
        kind: partial(_is_address, kind)
        for kind in (Kind.IPV4, Kind.IPV6, Kind.IPV4_PREFIX, Kind.IPV6_PREFIX)
    },
    **{kind: partial(_is_name, kind) for kind in (Kind.DOMAIN, Kind.HOST, Kind.MAILBOX)},
    Kind.SELECTOR: _matches(_SELECTOR),
    Kind.REMOTE: lambda value: split_remote(value) is not None,
    Kind.REMOTE_WITHOUT_BRANCH: lambda value: "#" not in value and split_remote(value) is not None,
    Kind.SSH_KEY: _is_ssh_key,
    Kind.PASSWORD: bool,
    Kind.HOST_KEY: _is_host_key,
    Kind.TSIG_KEY: partial(_is_key, exact=False),
    Kind.UPDATE_KEY: partial(_is_key, exact=True),
    Kind.SEED: bool,
    Kind.BASE64_SEED: _is_seed,
    Kind.DER: _is_der,
    Kind.DER_KEY: _is_der,
    Kind.FINGERPRINT: _matches(_FINGERPRINT),
    Kind.NAMESERVER: _is_server(_NAMESERVER),
    Kind.RESOLVER_URI: _is_server(_RESOLVER_URI),
    Kind.FIELDS_COLON: _matches(re.compile(r"[A-Za-z0-9-]+(:[A-Za-z0-9-]+)*")),
    Kind.FIELDS_COMMA: _matches(re.compile(r"[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*")),
    Kind.KEY_TYPE: lambda value: value in {"RSA", "ED25519", "P256", "P384", "P521"},
    Kind.LOGS: _matches(_LOGS),
    Kind.WORD: bool,
}
_EXAMPLES = {
    Kind.TRUTH: "Write true or false.",
    Kind.PORT: "Use 1 to 65535.",
    Kind.IPV4: "Write it like 10.0.0.5.",
    Kind.IPV4_PREFIX: "Write it like 10.0.0.5/24; without the length the network is a guess.",
    Kind.DOMAIN: "Write it in small letters, like example.org.",
    Kind.HOST: "Write it in small letters, like smtp.example.org.",
    Kind.MAILBOX: "Write it like hostmaster@example.org.",
    Kind.SELECTOR: "Use small letters, digits and hyphens, like s1.",
    Kind.REMOTE: "Write it like git@10.0.0.1:relay.git#main; port 22 is the only one.",
    Kind.REMOTE_WITHOUT_BRANCH: "Images of 2022 know no #branch and read master: git@10.0.0.1:relay.git.",
    Kind.SSH_KEY: "Use ed25519: and the 32 bytes of the private key in base64.",
    Kind.HOST_KEY: "Write it like ed25519:FINGERPRINT; SHA256: alone means an RSA key.",
    Kind.TSIG_KEY: "Write name._update.zone:SHA256:secret.",
    Kind.UPDATE_KEY: "Write name._update.zone:SHA256:secret with one label before _update.",
    Kind.BASE64_SEED: "Use 32 random bytes in base64.",
    Kind.NAMESERVER: "Write it like tcp:10.0.0.2; without the prefix it is not read.",
    Kind.RESOLVER_URI: "Write it like tcp://10.0.0.2; a bare address is ignored.",
    Kind.SEED: "Use text without blanks, quotes and backslashes, such as 32 random bytes in base64.",
}
