"""Quota policies that hold what runs. Every command by an intermediate sets its policy again, a destroy
included: one below what runs would be refused, and its tenant locked out."""

from __future__ import annotations

from collections.abc import Iterable

from workers.albatross.names import Name
from workers.albatross.values import BlockVolume, NamedPolicy, NetworkDevice, QuotaPolicy, UnikernelInfo


def covering(
    wanted: QuotaPolicy,
    path: Name,
    running: Iterable[UnikernelInfo],
    volumes: Iterable[BlockVolume],
    policies: Iterable[NamedPolicy] = (),
) -> QuotaPolicy:
    """`wanted`, raised where what is at and below `path` needs more; `wanted` itself where it is enough."""
    inside = [one.settings for one in running if is_inside(one.name, path)]
    stored = sum(one.size for one in volumes if is_inside(one.name, path))
    nested = [one.policy for one in policies if one.name != path and is_inside(one.name, path)]
    cpus = {cpu for each in inside for cpu in each.cpuids} | {cpu for each in nested for cpu in each.cpuids}
    bridges = {bridge for each in inside for bridge in _bridges(each.networks)}
    bridges |= {bridge for each in nested for bridge in each.bridges}
    block = max([stored, *(each.block or 0 for each in nested)])
    return QuotaPolicy(
        unikernels=max([wanted.unikernels, len(inside), *(each.unikernels for each in nested)]),
        memory=max([wanted.memory, sum(each.memory for each in inside), *(each.memory for each in nested)]),
        cpuids=(*wanted.cpuids, *sorted(cpus - set(wanted.cpuids))),
        block=wanted.block if block <= (wanted.block or 0) else block,
        bridges=(*wanted.bridges, *sorted(bridges - set(wanted.bridges))),
    )


def is_inside(name: Name, path: Name) -> bool:
    """Whether something lies at a path or below it."""
    return name.folded.path[: len(path.path)] == path.folded.path


def _bridges(networks: Iterable[NetworkDevice]) -> set[str]:
    return {each.bridge or each.name for each in networks}
