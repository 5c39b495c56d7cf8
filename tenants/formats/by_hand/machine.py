"""A bridge for unikernels, and what an image says about itself."""

from __future__ import annotations

from ipaddress import IPv4Interface

from tenants.formats.by_hand.shell import comment, line, quote


def bridge_commands(bridge: str, address: IPv4Interface) -> str:
    """As root, until the next boot: *Prepare* writes the file that makes it then, too."""
    name = quote(bridge)
    return "\n".join(
        [
            comment("As root:"),
            f"ip link show dev {name} >/dev/null 2>&1 || ip link add name {name} type bridge",
            f"ip addr replace {address} dev {name}",
            f"ip link set dev {name} up",
            "sysctl -w net.ipv4.ip_forward=1",
        ]
    )


def image_commands(sha256: str, target: str, source: str) -> str:
    """Get the file, be sure of it, and read its ABI and devices."""
    file = f"./{sha256[:12]}.{target}"
    return "\n".join(
        [
            *([line(["curl", "-fL", "-o", file, "--", source])] if source else []),
            f"echo {quote(f'{sha256}  {file}')} | sha256sum -c",
            line(["solo5-elftool", "query-abi", file]),
            line(["solo5-elftool", "query-manifest", file]),
        ]
    )
