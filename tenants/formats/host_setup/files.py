"""The files that steps write, and the lines that write and check them."""

from __future__ import annotations

import hashlib
import shlex

from tenants.formats.host_setup.wanted import Bridge

SOURCES = "/etc/apt/sources.list.d/rookery-albatross.list"
KEYRING = "/usr/share/keyrings/rookery-albatross.gpg"
SYSCTLS = "/etc/sysctl.d/99-z-rookery.conf"
BOOT_ORDER = "/etc/systemd/system/albatross_daemon.service.d/rookery-bridges.conf"
_OURS = "# Written by Rookery when it prepared this host.\n"
_END = "ROOKERY_END_OF_FILE"


def write(path: str, text: str, mode: str = "644") -> tuple[str, ...]:
    """Lines that put a text in place at once: nobody ever reads half of it."""
    if f"\n{_END}\n" in f"\n{text}":
        raise ValueError("the text holds the word that ends it")
    new = shlex.quote(f"{path}.rookery-new")
    return (
        f"mkdir -p {shlex.quote(path.rpartition('/')[0])}",
        f"cat >{new} <<'{_END}'\n{text}{_END}",
        f"chmod {mode} {new}",
        f"mv -f {new} {shlex.quote(path)}",
    )


def sha256_line(path: str) -> str:
    """A line that prints the SHA-256 of a file, or nothing."""
    return f"sha256sum <{shlex.quote(path)} 2>/dev/null | cut -d ' ' -f 1"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def bridge_files(bridge: Bridge, *, networkd: bool) -> dict[str, str]:
    """What makes the bridge at boot. It has no ports of its own, and nobody waits for it to be online."""
    name = bridge.name
    if networkd:
        return {
            f"/etc/systemd/network/70-rookery-{name}.netdev": f"{_OURS}[NetDev]\nName={name}\nKind=bridge\n",
            f"/etc/systemd/network/70-rookery-{name}.network": (
                f"{_OURS}[Match]\nName={name}\n\n[Link]\nRequiredForOnline=no\n\n"
                f"[Network]\nAddress={bridge.address}\nConfigureWithoutCarrier=yes\n"
                "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            ),
        }
    return {
        f"/etc/network/interfaces.d/rookery-{name}": (
            f"{_OURS}auto {name}\niface {name} inet static\n  address {bridge.address}\n"
            "  bridge_ports none\n  bridge_stp off\n  bridge_fd 0\n  bridge_maxwait 0\n"
        )
    }


def sysctls(*, bridged: bool) -> str:
    """`bridged`: also keep netfilter off packets that stay on one bridge. The minus sign: only where the
    kernel's module is loaded; systemd sets it when that is loaded later."""
    more = "-net.bridge.bridge-nf-call-iptables = 0\n" if bridged else ""
    return f"{_OURS}net.ipv4.ip_forward = 1\n{more}"


def boot_order(bridges: tuple[Bridge, ...]) -> str:
    """A drop-in: albatross forgets unikernels whose bridge is not there when it starts."""
    devices = " ".join(f"sys-subsystem-net-devices-{_escaped(each.name)}.device" for each in bridges)
    return f"{_OURS}[Unit]\nWants={devices}\nAfter={devices}\n"


def _escaped(name: str) -> str:
    """As `systemd-escape` does it."""
    escaped = "".join(
        letter if letter.isalnum() or letter in "_." else f"\\x{ord(letter):02x}" for letter in name
    )
    return escaped if not escaped.startswith(".") else f"\\x2e{escaped[1:]}"
