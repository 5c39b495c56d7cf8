"""One measurement as it is kept. Pure."""

from __future__ import annotations

from datetime import datetime

from tenants.actions.watching import Measured
from workers.albatross.statistics import Statistics

_PAGE = 4096
_HIGHEST = (1 << 63) - 1


def measured(statistics: Statistics, at: datetime) -> Measured:
    """Counters as sums. What the host's end of a cable gives out, the unikernel receives."""
    memory, usage = statistics.memory, statistics.usage
    pages = memory.rss if memory is not None else usage.max_rss
    return Measured(
        at=at,
        cpu=_whole(usage.user_time + usage.system_time),
        memory=_whole(pages * _PAGE),
        received=_whole(sum(each.output_bytes for each in statistics.traffic)),
        sent=_whole(sum(each.input_bytes for each in statistics.traffic)),
    )


def _whole(number: int) -> int:
    return max(0, min(number, _HIGHEST))
