"""Lines of `albatross-client` (2.0 and newer) that do by hand what Rookery does; secrets stay references."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from tenants.formats.unikernels import WantedPolicy, WantedUnikernel

Version = tuple[int, int]


def create_line(wanted: WantedUnikernel, name: str, version: Version, *, force: bool = False) -> str:
    """Create a unikernel under its full name; the image lies in a file that is named by its SHA-256."""
    words = ["albatross-client", "create", name, f"{wanted.digest[:12]}.{wanted.image.target}"]
    words += [f"--mem={wanted.memory}", f"--cpu={wanted.cpuid}"]
    words += [f"--net={device}:{bridge}" for device, bridge in wanted.networks]
    words += [f"--block={device}:{volume}" for device, volume in wanted.blocks]
    words += [f"--arg={each}" for each in wanted.shown]
    if wanted.restart_on_exit is not None:
        words += ["--restart-on-fail", *(f"--exit-code={code}" for code in sorted(wanted.restart_on_exit))]
    if version >= (2, 6):
        words += [] if wanted.add_name else ["--no-add-name"]
        words.append(f"--startup={wanted.startup}")
    if force:
        words.append("--force")
    return _line(words)


def destroy_line(name: str) -> str:
    return _line(["albatross-client", "destroy", name])


def restart_line(name: str) -> str:
    return _line(["albatross-client", "restart", name])


def look_lines(name: str) -> list[str]:
    """See it, and what it says."""
    return [
        _line(["albatross-client", "info", f"--name={name}"]),
        _line(["albatross-client", "console", name]),
    ]


def policy_line(path: str, wanted: WantedPolicy, version: Version) -> str:
    words = ["albatross-client", "add-policy", path, str(wanted.unikernels), f"--mem={wanted.memory}"]
    words += [f"--cpu={each}" for each in wanted.cpuids]
    if wanted.storage:
        words.append(f"--size={wanted.storage}")
    words += [f"--bridge={each}" for each in wanted.bridges]
    return _line(words)


def volume_line(name: str, size: int) -> str:
    return _line(["albatross-client", "create-block", name, str(size)])


def remove_volume_line(name: str) -> str:
    return _line(["albatross-client", "destroy-block", name])


def version_of(release: str) -> Version:
    """`2.7.2` as (2, 7); the newest that is known when nothing was found yet."""
    parts = release.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return (2, 7)


def _line(words: Iterable[str]) -> str:
    return shlex.join(words)
