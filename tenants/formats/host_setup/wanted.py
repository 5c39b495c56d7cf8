"""What a prepared host has."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.text import FormatError, printable

PACKAGES_AT = "https://apt.robur.coop"
"""Where albatross and solo5 come from: Debian has no package of them."""
UNITS = ("albatross_console.service", "albatross_stats.service", "albatross_daemon.service")
"""In the order in which they start: the daemon speaks to the other two."""
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PATH = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))/?[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{68}={0,2}(?: [A-Za-z0-9._@-]{1,100})?")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_BRIDGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


@dataclass(frozen=True)
class Bridge:
    """A bridge of one organization's unikernels; `gateway` is the host's address on it."""

    name: str
    subnet: IPv4Network
    gateway: IPv4Address

    @property
    def address(self) -> str:
        return f"{self.gateway}/{self.subnet.prefixlen}"


@dataclass(frozen=True)
class GitRepository:
    """A bare repository below the git account's home (or at an absolute path), with its branch and the public
    key by which Rookery writes it."""

    path: str
    branch: str
    key: str


@dataclass(frozen=True)
class Wanted:
    """`account` is the one that Rookery signs in with, `key` its public key for it; `git_account` is empty
    where no repositories are kept there. `key_fingerprint` is of the key that signs the packages (40 hex
    digits); empty: whatever HTTPS brings is believed, and its fingerprint is told."""

    account: str
    key: str
    bridges: tuple[Bridge, ...] = ()
    firewall: bool = True
    git_account: str = ""
    repositories: tuple[GitRepository, ...] = field(default=())
    key_fingerprint: str = ""

    def __post_init__(self) -> None:
        """Raises FormatError for what must not stand in a script that root runs."""
        _require(_ACCOUNT, self.account, "username", "an account")
        _require(_KEY, self.key, "key", "a public key")
        if self.git_account:
            _require(_ACCOUNT, self.git_account, "git_account", "an account")
        if self.key_fingerprint:
            _require(_FINGERPRINT, self.key_fingerprint, "key_fingerprint", "a fingerprint of 40 hex digits")
        for each in self.bridges:
            _require(_BRIDGE, each.name, "bridge", "a bridge")
        for repository in self.repositories:
            _require(_PATH, repository.path, "path", "a path that can be prepared")
            _require(_BRANCH, repository.branch, "branch", "a branch that can be prepared")
            _require(_KEY, repository.key, "key", "a public key")


def _require(pattern: re.Pattern[str], value: str, name: str, what: str) -> None:
    if not pattern.fullmatch(value):
        raise FormatError(name, f"“{printable(value, 60)}” is not {what}.", "Write it otherwise.")
