"""Which Rookery, and with which token: from the environment, from files of one's own, or asked for."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from panel.cli.failures import NOT_SIGNED_IN, Failure, Usage
from tenants.formats.text import printable

_LONGEST = 4096
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Place:
    """`url` has no slash at its end; `token` is empty where none is needed."""

    url: str
    token: str = field(repr=False)


def folder() -> Path:
    """Where `rookery login` keeps address and token."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(given) if given else Path.home() / ".config") / "rookery"


def address(given: str = "") -> str:
    """The base address of the panel; raises Usage for what is none."""
    url = given or os.environ.get("ROOKERY_URL", "") or _kept("url") or "http://localhost:8080"
    return checked_address(url)


def checked_address(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        parts, plain = urlsplit(""), False
    if not plain or parts.query or parts.fragment or parts.username:
        raise Usage(
            f"“{printable(url, 200)}” is no address of a Rookery. Write one such as https://mail.example."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Usage(
            f"{printable(url, 200)} is not encrypted: whoever is on the way would get the token. Use https."
        )
    return url


def token() -> str:
    """The token: ROOKERY_TOKEN, the file of ROOKERY_TOKEN_FILE or of `rookery login`, or what is typed."""
    found = os.environ.get("ROOKERY_TOKEN", "").strip() or _from_file()
    if not found and sys.stdin.isatty():
        found = getpass.getpass("Token (made in the panel under Your account, Keys for programs): ").strip()
    if not found:
        raise Failure("There is no token. Set ROOKERY_TOKEN, or keep one with: rookery login", NOT_SIGNED_IN)
    return checked_token(found)


def checked_token(found: str) -> str:
    if not found.isascii() or not found.isprintable() or " " in found or len(found) > _LONGEST:
        raise Failure("The token has characters that no token has. Copy it again.", NOT_SIGNED_IN)
    return found


def _from_file() -> str:
    named = os.environ.get("ROOKERY_TOKEN_FILE", "")
    path = Path(named) if named else folder() / "token"
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Failure(f"{path} can be read by others. Run: chmod 600 {path}", NOT_SIGNED_IN)
            return file.read(_LONGEST).decode("utf-8", "replace").strip()
    except FileNotFoundError as error:
        if named:
            raise Failure(f"There is no file {path}. ROOKERY_TOKEN_FILE names it.", NOT_SIGNED_IN) from error
        return ""
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", NOT_SIGNED_IN) from error


def _kept(name: str) -> str:
    try:
        return (folder() / name).read_text("utf-8")[:_LONGEST].strip()
    except (OSError, ValueError):
        return ""


def keep(url: str, key: str) -> Path:
    """Write both down, readable by their person alone; returns the folder."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in (("url", url), ("token", key)):
        path = place / name
        path.unlink(missing_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(f"{value}\n")
    return place
