"""One setting at a time from the environment: read, checked, or refused with what to write instead.

A value comes from `NAME` or from the file that `NAME_FILE` names; an empty one is as if it were not set. No
refusal repeats a value that may hold a password.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import zoneinfo
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import EnvError, FileAwareEnv

from tenants import keys

_environment = FileAwareEnv(strip_whitespace=True)
_ON, _OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
# A value that is no secret is repeated in a refusal, up to here.
_MOST_REPEATED = 80
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.I)
# What libpq understands and we hand on: a wish for TLS that nobody hears would be worse than none.
_DATABASE_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
MOST_BLOCK_LISTS = 8
# With the 64 characters of an IPv6 address written backwards, it is a name still.
_MOST_LIST_NAME = 180
_DATABASE_FIX = "Write it like postgresql://user:password@host:5432/name, or leave it out to use SQLite."
_BROKER_FIX = "Write it like redis://host:6379/0, or leave it out to use the bundled broker."
_URL_FIX = "Write the address that people type, without a path, for example https://panel.example.org."


def refusal(name: str, problem: str, fix: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"The setting {name} {problem}. {fix}")


def shown(value: str) -> str:
    """A value in a refusal: in quotes, in one line, and not at any length."""
    return repr(value if len(value) <= _MOST_REPEATED else f"{value[: _MOST_REPEATED - 1]}…")


def text(name: str, default: str = "") -> str:
    """The value as it stands there, without white space around it."""
    path = os.environ.get(f"{name}_FILE", "").strip()
    if path and os.environ.get(name, "").strip():
        raise refusal(name, f"is set, and {name}_FILE too", "Take one of them away.")
    try:
        return str(_environment.str(name, "")).strip() or default
    except (EnvError, OSError, ValueError) as error:
        # What is no path may be the secret itself, written into the wrong one of the two.
        named = f"names {shown(path)}, which" if path.startswith("/") else "names what is no whole path, and"
        fix = "Name a file of text that this process may read, with a path that begins with /."
        raise refusal(f"{name}_FILE", f"{named} cannot be read", fix) from error


def require(*names: str) -> None:
    """Refuse a start where one of these is not set: there is no good guess for it in real use."""
    missing = [name for name in names if not text(name)]
    if missing:
        others = f" Also missing: {', '.join(missing[1:])}." if missing[1:] else ""
        fix = f"Set it, or {missing[0]}_FILE; docs/settings.md tells what it means.{others}"
        raise refusal(missing[0], "is missing, and ROOKERY_PRODUCTION takes no default for it", fix)


def switch(name: str, *, default: bool = False) -> bool:
    value = text(name, str(int(default))).lower()
    if value not in _ON | _OFF:
        raise refusal(name, f"is {shown(value)}", "Write 1 or 0.")
    return value in _ON


def number(name: str, default: float, fix: str, *, most: float = float("inf")) -> float:
    """Above zero and finite, `most` at most."""
    value = text(name, str(default))
    # Python would also take an infinity, digits of other scripts, and 1_0 for ten.
    found = float(value) if _NUMBER.fullmatch(value) else 0.0
    if not 0 < found <= most:
        raise refusal(name, f"is {shown(value)}", fix)
    return found


def count(name: str, default: int, fix: str, *, most: int) -> int:
    """From 1 to `most`."""
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= most:
        raise refusal(name, f"is {shown(value)}", fix)
    return int(value)


def port(name: str, default: int) -> int:
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise refusal(name, f"is {shown(value)}", "Choose a port from 1 to 65535.")
    return int(value)


def folder(name: str, default: Path) -> Path:
    """An absolute path, made if it is missing, for its owner only."""
    value = text(name, str(default))
    fix = "Choose a folder that this process may write to."
    if not value.isprintable():
        raise refusal(name, f"is {shown(value)}, which is no path", fix)
    try:
        path = Path(value).expanduser().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(name, f"is {shown(value)}, which cannot be made ({error.strerror})", fix) from error
    except RuntimeError as error:
        raise refusal(name, f"is {shown(value)}, the folder of nobody here", fix) from error
    return path


def base_url(name: str, default: str) -> str:
    value = text(name, default).rstrip("/")
    parts = _split(value)
    wrong = parts is None or parts.scheme not in {"http", "https"} or bool(parts.path or parts.query)
    if wrong or "@" in value or "#" in value or not _is_host(host_of(value)):
        raise refusal(name, "is no address of a panel", _URL_FIX)
    return value


def _split(url: str) -> SplitResult | None:
    """The parts, if its port is one."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def host_of(url: str) -> str:
    """The host of an address, an IPv6 address in brackets; empty where there is none."""
    parts = _split(url)
    host = (parts.hostname or "") if parts else ""
    return f"[{host}]" if ":" in host else host


def _is_host(host: str) -> bool:
    """A name or an address, an IPv6 address in brackets as in every URL."""
    if host.startswith("["):
        return host.endswith("]") and _is_address(host[1:-1])
    return bool(_HOST.fullmatch(host)) and len(host) < 254


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _words(name: str) -> list[str]:
    return [word.strip() for word in text(name).split(",")] if text(name) else []


def hosts(name: str) -> list[str]:
    found = [f"[{word}]" if ":" in word and _is_address(word) else word.lower() for word in _words(name)]
    for word in found:
        if not _is_host(word):
            raise refusal(
                name,
                f"has {shown(word)}",
                "Write host names with commas between, for example panel.example.org.",
            )
    return found


def block_lists(name: str) -> tuple[str, ...]:
    """The zones of DNS block lists, at most so many as the checks ask."""
    fix = f"Write at most {MOST_BLOCK_LISTS} names with commas between, for example zen.spamhaus.org."
    found = [word.lower().removesuffix(".") for word in _words(name)]
    for word in found:
        if not _is_host(word) or "." not in word or _is_address(word) or len(word) > _MOST_LIST_NAME:
            raise refusal(name, f"has {shown(word)}", fix)
    if len(found) > MOST_BLOCK_LISTS:
        raise refusal(name, f"has {len(found)} names", fix)
    return tuple(dict.fromkeys(found))


def addresses(name: str) -> tuple[str, ...]:
    for word in _words(name):
        if not _is_address(word):
            fix = "Write the proxies' own addresses with commas between, for example 192.0.2.1."
            raise refusal(name, f"has {shown(word)}", fix)
    return tuple(str(ipaddress.ip_address(word)) for word in _words(name))


def networks(name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    found = []
    for word in _words(name):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as error:
            fix = "Write networks with commas between, for example 10.0.0.0/8,fd00::/8."
            raise refusal(name, f"has {shown(word)}", fix) from error
    return tuple(found)


def token(name: str) -> str:
    """Empty, or long enough that nobody guesses it."""
    value = text(name)
    if value and (len(value) < 32 or len(set(value)) < 5 or not value.isascii() or not value.isprintable()):
        raise refusal(
            name, "is too easy to guess", "Write 32 random letters and digits or more, or leave it out."
        )
    return value


def passphrase(name: str) -> str:
    """Empty, or words that nobody finds by trying."""
    value = text(name)
    if value and len(value) < 20:
        raise refusal(name, "is too easy to guess", "Write five random words or more, or leave it out.")
    return value


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise refusal(name, f"is {shown(value)}", f"Write {' or '.join(choices)}.")
    return value


def file(name: str) -> Path | None:
    """A file that is made when it is needed; None where none is named."""
    value = text(name)
    if value and not Path(value).is_absolute():
        raise refusal(name, f"is {shown(value)}", "Write a path that begins with /.")
    return Path(value) if value else None


def named_folder(name: str) -> Path | None:
    """A folder that is made when it is needed; None where none is named."""
    return file(name)


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, OSError, ValueError) as error:
        raise refusal(
            name, f"is {shown(value)}", "Write a zone as in Europe/Paris, or leave it out."
        ) from error
    return value


def log_level(name: str, default: str) -> str:
    value = text(name, default).upper()
    if value not in logging.getLevelNamesMapping():
        raise refusal(name, f"is {shown(value)}", "Write DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return value


# Keys -----------------------------------------------------------------------------------------------------


def key_file(name: str, default: Path) -> Path | None:
    """The file that a key comes from; None where the environment itself holds it."""
    named = os.environ.get(f"{name}_FILE", "").strip()
    if named:
        return Path(named)
    return None if text(name) else default


def secrets(name: str) -> list[str]:
    """Keys that sign, the one in use first, former ones after it; what Django's own check asks of each."""
    values = text(name).split()
    if any(len(each) < 50 or len(set(each)) < 5 for each in values):
        fix = "Write 50 random characters or more, or leave it out: then one is made in the data folder."
        raise refusal(name, "is too easy to guess", fix)
    return values


def public_key_of_workers(name: str) -> str:
    """32 bytes in base64."""
    return public_key(name, "Write what the file keys/workers.pub says.")


def public_key(name: str, fix: str = "Write what manage.py backup --new-key FILE said.") -> str:
    """32 bytes in base64."""
    value = text(name)
    if value and not keys.is_key(value):
        raise refusal(name, "is not 32 bytes of base64", fix)
    return value


def keys_of_workers(name: str) -> keys.WorkersKeys:
    """The private key in use and former ones, as a file workers.key says them."""
    try:
        return keys.WorkersKeys.read(text(name))
    except ValueError as error:
        fix = "Write what the file keys/workers.key says."
        raise refusal(name, "is not 32 bytes of base64", fix) from error


# Servers --------------------------------------------------------------------------------------------------


def database(name: str) -> dict[str, Any] | None:
    """A PostgreSQL database as Django describes it; None where none is named."""
    url = text(name)
    if not url:
        return None
    parts = _split(url)
    if parts is None or parts.scheme not in {"postgres", "postgresql"}:
        raise refusal(name, "is no address of a PostgreSQL database", _DATABASE_FIX)
    if not parts.path.strip("/"):
        raise refusal(name, "names no database", _DATABASE_FIX)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    # libpq's way to name a socket folder: postgresql:///name?host=/run/postgresql
    socket_folder = options.pop("host", "")
    if unknown := sorted(set(options) - set(_DATABASE_OPTIONS)):
        raise refusal(name, f"has an option that Rookery does not know, {shown(unknown[0])}", _DATABASE_FIX)
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise refusal(name, "has an sslmode that PostgreSQL does not know", f"Use {' or '.join(_SSL_MODES)}.")
    if not re.fullmatch(r"[0-9]{1,4}", options.get("connect_timeout", "10")):
        raise refusal(name, "has a connect_timeout that is no number", "Write seconds, or leave it out.")
    if not unquote(url).isprintable():
        raise refusal(name, "has a character that cannot be printed", _DATABASE_FIX)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or socket_folder,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # Such a cursor outlives its transaction, and a pooler between us and the server may not keep it.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}, **options},
    }


def servers(name: str, default_port: int) -> list[tuple[str, int]]:
    """(address, port) of each; numbers, since a resolver's name could not be looked up."""
    found = []
    for word in _words(name):
        parts = _split(f"//[{word}]" if word.count(":") > 1 and "[" not in word else f"//{word}")
        address = (parts.hostname or "") if parts else ""
        after = word.rpartition("]")[2] if "]" in word else ""
        if (
            parts is None
            or not _is_address(address)
            or parts.path
            or "@" in word
            or after[:1] not in ("", ":")
        ):
            fix = "Write addresses with commas between, for example 192.0.2.53 or [2001:db8::53]:53."
            raise refusal(name, f"has {shown(word)}", fix)
        found.append((address, parts.port or default_port))
    return found


def broker(name: str) -> str:
    """An address that Celery understands; empty where none is named."""
    url = text(name)
    parts = _split(url)
    wanted = parts and (parts.hostname if parts.scheme in {"redis", "rediss"} else parts.path)
    if url and (not parts or not wanted or parts.scheme not in {"redis", "rediss", "redis+socket"}):
        raise refusal(name, "is no address of a Redis or Valkey server", _BROKER_FIX)
    if parts and parts.scheme != "redis+socket" and not re.fullmatch(r"(/[0-9]{0,5})?", parts.path):
        raise refusal(name, "names a database that is no number", _BROKER_FIX)
    return url


def smtp(prefix: str) -> dict[str, Any]:
    """Where the panel's own mail goes, as Django's settings."""
    host = text(f"{prefix}_HOST", "127.0.0.1")
    if not _is_host(host) and not _is_address(host):
        fix = f"Write a host name only; its port goes into {prefix}_PORT."
        raise refusal(f"{prefix}_HOST", f"is {shown(host)}", fix)
    user, password = text(f"{prefix}_USER"), text(f"{prefix}_PASSWORD")
    if bool(user) != bool(password):
        missing, given = ("PASSWORD", "USER") if user else ("USER", "PASSWORD")
        fix = f"Set {prefix}_{missing} too, or neither."
        raise refusal(f"{prefix}_{given}", "is set alone", fix)
    starttls, tls = switch(f"{prefix}_STARTTLS"), switch(f"{prefix}_TLS")
    if starttls and tls:
        fix = "Use TLS from the first byte (port 465) or STARTTLS (port 587), not both."
        raise refusal(f"{prefix}_TLS", f"is on, and {prefix}_STARTTLS too", fix)
    return {
        "EMAIL_HOST": host,
        "EMAIL_PORT": port(f"{prefix}_PORT", 25),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": starttls,
        "EMAIL_USE_SSL": tls,
    }


def mail_home(prefix: str, default: str, folder: Path) -> tuple[str, Path]:
    """An address whose mail workers can read, and the Maildir in which it arrives; empty: there is none."""
    address, place = text(f"{prefix}_HOME", default), text(f"{prefix}_MAILDIR")
    local_part, _, domain = address.rpartition("@")
    plain = re.fullmatch(r"[A-Za-z0-9._+-]{1,64}", local_part) and "." in domain and _is_host(domain)
    if address and not plain:
        raise refusal(f"{prefix}_HOME", "is no address", "Write it like canary@panel.example.org.")
    if place and not Path(place).is_absolute():
        raise refusal(f"{prefix}_MAILDIR", "is no whole path", "Write it like /var/mail/canary/Maildir.")
    if bool(address) != bool(place) and (place or address != default):
        missing = "MAILDIR" if address else "HOME"
        fix = f"Set {prefix}_{missing} too, or neither."
        raise refusal(f"{prefix}_{'HOME' if address else 'MAILDIR'}", "is set alone", fix)
    return address.lower(), Path(place) if place else folder


def sender(name: str, default: str) -> str:
    value = text(name, default)
    address = parseaddr(value)[1]
    local_part, _, domain = address.rpartition("@")
    is_all = value == address or value.endswith(f"<{address}>")
    if not local_part or not _is_host(domain) or not is_all or not value.isprintable():
        raise refusal(name, "is no sender of a mail", "Write it like Rookery <rookery@example.org>.")
    return value
