"""The firewall of the sandbox's host: the real helper, around a stand-in for iptables. No root is needed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from tenants.formats.firewall.helper import helper_text
from workers.sandbox import iptables_program

_NAMES = tuple(
    f"{family}{back_end}{verb}"
    for family in ("iptables", "ip6tables")
    for back_end in ("", "-nft", "-legacy")
    for verb in ("", "-save", "-restore")
)


def helper_of(data: Path) -> Path:
    """Where the sandbox below this folder has its helper."""
    return data / "firewall" / "rookery-firewall"


def rules_of(data: Path) -> Path:
    """Where the stand-in for iptables keeps the applied rules of IPv4."""
    return helper_of(data).parent / "iptables.json"


def connections_of(data: Path) -> Path:
    """Where the sandbox tells which connections its forwarded ports carry."""
    return rules_of(data).with_name("connections")


def make_firewall(data: Path) -> None:
    """Write the helper and the programs that it runs; what it kept before is kept."""
    folder = helper_of(data).parent
    programs = folder / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    source = Path(iptables_program.__file__).read_text("utf-8").partition("\n")[2]
    for name in _NAMES:
        _executable(programs / name, f"#!{sys.executable} -IS\n{source}")
    told = connections_of(data)
    _executable(programs / "conntrack", f"#!/bin/sh\nexec cat {shlex.quote(str(told))}\n")
    told.write_text("")
    text = helper_text()
    tracking = "/proc/net/nf_conntrack"  # of the machine that the sandbox is on
    if tracking not in text:
        raise RuntimeError(f"the helper does not read {tracking}")
    text = text.replace(tracking, "/dev/null/nothing")
    for line, own in (
        (
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            f"PATH={shlex.quote(str(programs))}:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("KEPT=/var/lib/rookery-firewall", f"KEPT={shlex.quote(str(folder / 'kept'))}"),
        ("STATE=/run/rookery-firewall", f"STATE={shlex.quote(str(folder / 'state'))}"),
    ):
        if f"\n{line}\n" not in text:
            raise RuntimeError(f"the helper has no line {line}")
        text = text.replace(f"\n{line}\n", f"\n{own}\n")
    _executable(helper_of(data), text)


def _executable(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o700)
