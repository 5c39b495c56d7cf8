"""The program on a host that reads and changes its firewall for us, and what it tells.

It is installed by a person, runs as root behind sudo, and takes nothing but lines of our own chains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tenants.formats.firewall.saved import MOST_TEXT, Saved, read_saved
from tenants.formats.text import FormatError

VERSION = 1
PATH = "/usr/local/sbin/rookery-firewall"
SUDOERS = "/etc/sudoers.d/rookery-firewall"
MOST_REPORT = 2 * MOST_TEXT
_FAMILY = re.compile(
    r"family ([46]) (ip6?tables(?:-nft|-legacy)?|-) (\d{1,9}) (\d{1,9}) ([0-9a-f]{64}|-) ([0-9a-f]{1,64}|-)"
)


def helper_text() -> str:
    """The program, for a person to install."""
    return (Path(__file__).parent / "helper.sh").read_text("utf-8")


def install_commands(account: str) -> tuple[str, ...]:
    """What a person types as root on the host, with the program in the present folder."""
    return (f"install -m 755 rookery-firewall {PATH}", f"{PATH} install {account}")


def sudoers_text(account: str) -> str:
    """What `rookery-firewall install ACCOUNT` lets that account run as root, as it writes it; root itself
    needs no leave."""
    if account == "root":
        return ""
    verbs = ("save", "apply *", "confirm *", "connections *")
    return "".join(f"{account} ALL=(root) NOPASSWD: {PATH} {verb}\n" for verb in verbs)


@dataclass(frozen=True)
class Family:
    """One address family of a host. `program` is empty where nothing of the kind is installed; `nft` and
    `legacy` count the rules of others in each back-end; `kept` is the fingerprint of what a reboot brings."""

    saved: Saved
    program: str
    nft: int
    legacy: int
    kept: str
    pending: bool
    text: str = field(default="", repr=False)
    """What `iptables-save` printed, with the rules of others."""

    @property
    def is_mixed(self) -> bool:
        """Whether others have rules in the back-end that is not ours."""
        return bool(self.legacy if self.program.endswith("-nft") else self.nft) and "-" in self.program


@dataclass(frozen=True)
class Report:
    families: Mapping[int, Family]
    boot: bool


def read_report(text: str) -> Report:
    """Read what `rookery-firewall save` printed. Raises FormatError (`rules`), for another version too."""
    head, _, rest = text.partition("\n")
    if head != f"rookery-firewall {VERSION}":
        raise FormatError(
            "rules", "The helper on the host is another version, or something else.", "Install it again."
        )
    families: dict[int, Family] = {}
    parts = re.split(r"^(?=family |boot )", rest, flags=re.MULTILINE)
    for part in parts:
        line, _, body = part.partition("\n")
        found = _FAMILY.fullmatch(line)
        if found:
            families[int(found[1])] = Family(
                read_saved(body),
                "" if found[2] == "-" else found[2],
                int(found[3]),
                int(found[4]),
                "" if found[5] == "-" else found[5],
                found[6] != "-",
                body,
            )
    if set(families) != {4, 6} or not parts[-1].startswith("boot "):
        raise FormatError("rules", "The helper's answer is cut off.", "Try again.")
    return Report(families, parts[-1].strip() == "boot enabled")
