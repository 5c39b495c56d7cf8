"""Will it fit? What would keep a unikernel from starting, said before anything is asked of a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from tenants.errors import Problem
from tenants.formats.solo5_image import Solo5Image, device_problems
from tenants.models import Host, HostShare, Image, Network, Unikernel


@dataclass(frozen=True)
class Spec:
    """All that is chosen for a unikernel. `networks` and `blocks` by the image's device."""

    image: Image
    memory: int = 32
    cpuid: int = 0
    networks: Mapping[str, Network] | None = None
    blocks: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Room:
    """What is free for one organization on a host; None where it is not known yet."""

    memory: int
    memory_quota: int
    unikernels: int
    unikernel_quota: int
    host_memory: int | None
    host_memory_free: int | None

    @property
    def sentence(self) -> str:
        return (
            f"{self.memory} of {self.memory_quota} MB and {self.unikernels} of {self.unikernel_quota}"
            " unikernels are free."
        )


def room(share: HostShare, *, besides: Unikernel | None = None) -> Room:
    """What is left; `besides` does not count, since it is what is being changed."""
    rows = share.unikernels.filter(running=True, deleted_at=None)
    if besides is not None:
        rows = rows.exclude(pk=besides.pk)
    used = rows.aggregate(memory=Sum("memory"))["memory"] or 0
    seen: dict[str, Any] = share.host.seen
    total = seen.get("memory")
    ours = sum(each["memory"] for each in _unikernels(share) if each["name"].startswith(share.prefix))
    others = int(seen.get("used_memory", 0)) - ours
    return Room(
        memory=max(share.memory - used, 0),
        memory_quota=share.memory,
        unikernels=max(share.most_unikernels - rows.count(), 0),
        unikernel_quota=share.most_unikernels,
        host_memory=total,
        host_memory_free=None if total is None else max(int(total) - others - used, 0),
    )


@dataclass(frozen=True)
class Tender:
    """Whether a host can run images of one target and ABI; `is_there` is None where nobody knows."""

    is_there: bool | None
    sentence: str


def tender_for(host: Host, manifest: Solo5Image) -> Tender:
    """What the last look at the host as root says. Albatross itself tells no client which tenders it has."""
    if host.tenders is None:
        return Tender(None, f"Whether {host} has the tender {manifest.tender} is not known.")
    if manifest.tender in host.tenders:
        return Tender(True, f"{host} has the tender {manifest.tender}.")
    has = f"only {', '.join(host.tenders)}" if host.tenders else "none"
    return Tender(False, f"It needs the tender {manifest.tender}, and {host} has {has}.")


def fit_problems(
    share: HostShare,
    name: str,
    spec: Spec,
    *,
    running: bool = True,
    besides: Unikernel | None = None,
    runs_there: bool = False,
) -> list[Problem]:
    """What is wrong, by field; none when nothing is known against it. `runs_there`: it does so already, which
    says more about the host than the last look."""
    tender = [] if runs_there else _about_tender(share.host, spec.image.manifest)
    found = [
        *_about_image(spec),
        *tender,
        *_about_networks(share, spec),
        *_about_blocks(share, spec, besides),
    ]
    if spec.cpuid not in share.cpuids:
        cpus = ", ".join(str(each) for each in sorted(share.cpuids))
        found.append(Problem("cpuid", f"CPU {spec.cpuid} is not yours on {share.host}.", f"Use {cpus}."))
    if besides is None and f"{share.prefix}{name}" in {each["name"] for each in _unikernels(share)}:
        found.append(
            Problem("name", f"{name} runs there already, and Rookery did not make it.", "Use another name.")
        )
    if running:
        found += _about_room(share, spec, besides)
    return found


def _about_image(spec: Spec) -> list[Problem]:
    manifest = spec.image.manifest
    if not manifest.runs_on_albatross:
        return [
            Problem("image", f"It is for {manifest.target}; albatross runs hvt and spt.", "Choose another.")
        ]
    said = device_problems(manifest, networks=spec.networks or {}, blocks=spec.blocks or {})
    return [Problem("blocks" if " block device" in each else "networks", each) for each in said]


def _about_tender(host: Host, manifest: Solo5Image) -> list[Problem]:
    found = tender_for(host, manifest)
    if found.is_there is not False or not manifest.runs_on_albatross:
        return []
    fix = "Install solo5 of that ABI there and check the host once more, or choose an image that fits."
    return [Problem("image", found.sentence, fix)]


def _about_networks(share: HostShare, spec: Spec) -> list[Problem]:
    bridges = share.host.seen.get("bridges")
    found = []
    for device, network in (spec.networks or {}).items():
        if network.share_id != share.pk:
            found.append(Problem("networks", f"The network for {device} is not yours.", "Choose another."))
        elif bridges is not None and network.bridge not in bridges:
            found.append(
                Problem(
                    "networks",
                    f"{share.host} has no bridge {network.bridge} that albatross knows.",
                    "Make it there; if it was made after albatross started, restart albatross_daemon.",
                )
            )
    return found


def _about_blocks(share: HostShare, spec: Spec, besides: Unikernel | None) -> list[Problem]:
    known = (
        set(share.volumes.filter(deleted_at=None).values_list("label", flat=True)) if spec.blocks else set()
    )
    others = share.unikernels.filter(running=True, deleted_at=None)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    used = {volume: str(row) for row in others for _, volume in row.blocks} if spec.blocks else {}
    found = []
    for device, volume in (spec.blocks or {}).items():
        if volume not in known:
            said = f"There is no block volume “{volume}” for {device}."
            found.append(Problem("blocks", said, "Make it on the host's page first."))
        elif volume in used:
            found.append(Problem("blocks", f"{used[volume]} uses the block volume {volume}.", "Use another."))
    return found


def _about_room(share: HostShare, spec: Spec, besides: Unikernel | None) -> Sequence[Problem]:
    left, found = room(share, besides=besides), []
    if spec.memory > left.memory:
        found.append(
            Problem(
                "memory",
                f"It needs {spec.memory} MB, and {left.memory} of {left.memory_quota} MB are free.",
                "Give it less, stop another one, or ask for a larger quota.",
            )
        )
    elif left.host_memory_free is not None and spec.memory > left.host_memory_free:
        said = f"It needs {spec.memory} MB, and {share.host} itself has {left.host_memory_free} MB left."
        found.append(Problem("memory", said, "Give it less, or use another host."))
    if left.unikernels < 1:
        found.append(
            Problem(
                "name",
                f"All {left.unikernel_quota} unikernels that you may run there are there.",
                "Stop one, or ask for a larger quota.",
            )
        )
    return found


def _unikernels(share: HostShare) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = share.host.seen.get("unikernels", [])
    return found
