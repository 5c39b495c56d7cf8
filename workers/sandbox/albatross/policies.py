"""Quota policies: what may be added where, and what a new unikernel or block volume may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from workers.albatross.names import ROOT, Name
from workers.albatross.values import QuotaPolicy, Settings
from workers.sandbox.albatross.refusal import Refusal

_Value = TypeVar("_Value")
UNLIMITED = 2**62 - 1


def is_below(name: Name, path: Name) -> bool:
    """Whether a unikernel, volume or path is in this path or deeper."""
    return name.path[: len(path.path)] == path.path


class Policies:
    """The quota policies of a daemon, by path. `root` is what it found on its host, since 2.3."""

    def __init__(self, root: QuotaPolicy | None) -> None:
        self.by_path: dict[Name, QuotaPolicy] = {} if root is None else {ROOT: root}

    def add(
        self, path: Name, policy: QuotaPolicy, running: dict[Name, Settings], volumes: dict[Name, int]
    ) -> bool:
        """Set a path's policy; False when it was the same. Raises Refusal."""
        path = path.inside
        if self.by_path.get(path) == policy:
            return False
        for other, limits in self.by_path.items():
            if other not in (path, ROOT) and is_below(path, other):
                _fits_above(limits, policy)
            elif other != path and is_below(other, path):
                _fits_below(policy, limits)
        _fits_running(policy, _at(path, running), _at(path, volumes))
        self.by_path[path] = policy
        return True

    def check_unikernel(self, name: Name, wanted: Settings, running: dict[Name, Settings]) -> None:
        """Only the policy exactly at the path counts, with all that runs below it. Raises Refusal."""
        policy = self.by_path.get(name.inside)
        if policy is None:
            return
        used = _at(name.inside, running)
        memory = sum(settings.memory for settings in used)
        if len(used) >= policy.unikernels:
            raise Refusal(f"maximum amount of unikernels ({policy.unikernels}) reached")
        if memory + wanted.memory > policy.memory:
            raise Refusal(
                f"maximum allowed memory ({policy.memory}, used {memory}) would be exceeded "
                f"(requesting {wanted.memory})"
            )
        if extra := wanted.cpuids - set(policy.cpuids):
            raise Refusal(f"CPUids {_listed(extra)} are not allowed by policy")
        bridges = {network.bridge or network.name for network in wanted.networks}
        if strange := bridges - set(policy.bridges):
            raise Refusal(f"bridges {_listed(strange)} not allowed by policy")

    def check_volume(self, name: Name, size: int, volumes: dict[Name, int]) -> None:
        """Whether a block volume of this size (MB) may be made. Raises Refusal."""
        policy = self.by_path.get(name.inside)
        if policy is None:
            return
        if policy.block is None:
            raise Refusal("no block devices are allowed by policy")
        used = sum(_at(name.inside, volumes))
        if used + size > policy.block:
            raise Refusal(
                f"block device policy limit of {policy.block} MB (used {used} MB) would be exceeded "
                f"by the request ({size} MB)"
            )


def _at(path: Name, things: dict[Name, _Value]) -> list[_Value]:
    return [value for name, value in things.items() if is_below(name, path)]


def _fits_above(above: QuotaPolicy, policy: QuotaPolicy) -> None:
    if policy.unikernels > above.unikernels:
        raise Refusal(
            f"policy above allows {above.unikernels} unikernels, which is fewer than {policy.unikernels}"
        )
    if policy.memory > above.memory:
        raise Refusal(f"policy above allows {above.memory} MB memory, which is fewer than {policy.memory} MB")
    if extra := set(policy.cpuids) - set(above.cpuids):
        raise Refusal(f"policy above does not allow CPUids {_listed(extra)}")
    if (policy.block or 0) > (above.block or 0):
        raise Refusal(
            f"policy above allows {above.block or 0} MB block, which is fewer than {policy.block} MB"
        )
    if not set(policy.bridges) <= set(above.bridges):
        raise Refusal(
            f"policy above allows bridge(s) {_listed(above.bridges)}, which is not a superset of "
            f"{_listed(policy.bridges)}"
        )


def _fits_below(policy: QuotaPolicy, below: QuotaPolicy) -> None:
    if below.unikernels > policy.unikernels or below.memory > policy.memory:
        raise Refusal("policy allows fewer unikernels or less memory than a policy below")
    if extra := set(below.cpuids) - set(policy.cpuids):
        raise Refusal(f"policy does not allow CPUids {_listed(extra)}")
    if not set(below.bridges) <= set(policy.bridges):
        raise Refusal(
            f"policy allows bridges {_listed(policy.bridges)}, which is not a superset of "
            f"{_listed(below.bridges)}"
        )


def _fits_running(policy: QuotaPolicy, running: Iterable[Settings], volumes: Iterable[int]) -> None:
    settings = list(running)
    for what, limit, used in (
        ("unikernel", policy.unikernels, len(settings)),
        ("memory", policy.memory, sum(one.memory for one in settings)),
        ("block storage", policy.block or 0, sum(volumes)),
    ):
        if used > limit:
            raise Refusal(
                f"unikernel would exceed running {what} limit set by policy to {limit}, running {used}"
            )


def _listed(values: Iterable[int | str]) -> str:
    return ", ".join(str(value) for value in sorted(values, key=str))
