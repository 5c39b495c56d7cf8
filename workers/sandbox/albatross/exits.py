"""Whether a unikernel that exited is started again. Nothing delays it and nothing counts it."""

from __future__ import annotations

from enum import Enum

from workers.albatross.values import Settings
from workers.sandbox.albatross.profile import Profile

_NEVER = frozenset((1, *range(60, 65)))


class AfterExit(Enum):
    """What follows an exit."""

    END = "end"
    AGAIN = "again"
    WITHOUT_NAME = "without name"


def after_exit(settings: Settings, code: int, profile: Profile) -> AfterExit:
    """Exit 64 (bad arguments) with an added name is tried once more without it; 1 and 60 to 64 never restart,
    even when they are listed; the empty set means every other code. 2.8 knows three more codes."""
    newest = profile.since(2, 8)
    if settings.add_name and (code == 64 or (newest and code == 124)):
        return AfterExit.WITHOUT_NAME
    codes = settings.restart_on_exit
    if codes is None or code in _NEVER or (newest and code in (123, 124, 125)):
        return AfterExit.END
    return AfterExit.AGAIN if not codes or code in codes else AfterExit.END
