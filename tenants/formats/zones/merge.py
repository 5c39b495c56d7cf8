"""Three-way merge of record sets: what we want, what is outside, and what both last agreed on.

The unit is the record set, named by any hashable key (owner and type), with any value that can be compared.
Keys that nobody asks for are copied from outside: what is not ours to decide stays as it is.

| whose          | outside since the base | ours since the base | what is published                |
|----------------|------------------------|---------------------|----------------------------------|
| external       | any                    | any                 | outside; ours is not asked       |
| frozen         | any                    | any                 | outside; said when ours differs  |
| managed        | equals ours            | any                 | that: they agree                 |
| managed        | as the base            | any                 | ours                             |
| managed        | changed                | as the base         | drift: ours if we may overwrite  |
| managed        | changed                | changed             | conflict: ours if we may         |
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Apart", "Holder", "Merged", "Why", "complete", "merge", "written_by_unikernels"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Holder(Enum):
    """Who decides about a record set."""

    MANAGED = "managed"
    EXTERNAL = "external"
    FROZEN = "frozen"


class Why(Enum):
    """Why a set is published as it is outside although ours differs."""

    FROZEN = "frozen"
    DRIFT = "drift"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Apart(Generic[K, V]):
    """A set left as it is outside, with all three sides; None where a side has no such set."""

    key: K
    why: Why
    base: V | None
    ours: V | None
    outside: V | None


@dataclass(frozen=True)
class Merged(Generic[K, V]):
    """`sets` are what to publish; `apart` is what was left alone, in the order of our and the base's keys."""

    sets: Mapping[K, V]
    apart: tuple[Apart[K, V], ...]


def merge(
    base: Mapping[K, V],
    desired: Mapping[K, V],
    outside: Mapping[K, V],
    *,
    holder: Callable[[K], Holder],
    may_overwrite: Callable[[K], bool] = lambda key: False,
) -> Merged[K, V]:
    """Return the sets to publish.

    `base` is the last proved state of what we asked for, `desired` what we ask for now: a managed key that
    is only in the base is to be removed. `outside` has to be complete (see `complete`), for a set missing
    there counts as removed by others. `may_overwrite` says whether ours wins over drift or a conflict.
    """
    sets = dict(outside)
    apart: list[Apart[K, V]] = []
    for key in dict.fromkeys((*desired, *base)):
        ours, now, before = desired.get(key), outside.get(key), base.get(key)
        whose = holder(key)
        if ours == now or whose is Holder.EXTERNAL:
            continue
        why = Why.FROZEN if whose is Holder.FROZEN else _why(before, ours, now)
        if why is not None and (why is Why.FROZEN or not may_overwrite(key)):
            apart.append(Apart(key, why, before, ours, now))
        elif ours is None:
            del sets[key]
        else:
            sets[key] = ours
    return Merged(sets, tuple(apart))


def complete(file: Mapping[K, V], transferred: Mapping[K, V], *, is_glue: Callable[[K], bool]) -> dict[K, V]:
    """Return what is outside: the transferred sets, and from the file those that no transfer shows.

    ptt's primary leaves out of a zone transfer the addresses of name servers outside the zone, and whatever
    lies at or below a delegation but for its NS and DS. Taken for removed, it would be lost.
    """
    return {key: value for key, value in file.items() if is_glue(key)} | dict(transferred)


def written_by_unikernels(owner: Sequence[bytes], record_type: str) -> bool:
    """Whether unikernels of the mail stack write such sets themselves; theirs are never ours to change.

    `owner` has the labels as people write them, `_acme-challenge` first. The sets are certificates and
    requests (TLSA at `_letsencrypt._tcp.<host>`), the proofs for the certificate authority (TXT at
    `_acme-challenge.<host>`) and the signer's key (TXT at `<selector>._domainkey.<domain>`). The SPF record
    is not told by its name: ptt's tool adds it beside other text.
    """
    first = tuple(label.lower() for label in owner[:2])
    if record_type == "TLSA":
        return first == (b"_letsencrypt", b"_tcp")
    return record_type == "TXT" and (first[:1] == (b"_acme-challenge",) or first[1:] == (b"_domainkey",))


def _why(before: V | None, ours: V | None, now: V | None) -> Why | None:
    if now == before:
        return None
    return Why.DRIFT if ours == before else Why.CONFLICT
