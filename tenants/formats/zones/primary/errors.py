"""Why ptt's primary does not serve a file."""

from __future__ import annotations

__all__ = ["BrokenRuleError", "UnreadableError", "ZoneFileError"]


class ZoneFileError(ValueError):
    """The primary does not serve a file; `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableError(ZoneFileError):
    """It cannot read the file; `position` is the byte where it gives up, or None. `advice` has the fix."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.position = position

    def __reduce__(self) -> tuple[type[UnreadableError], tuple[str, int | None]]:
        return (type(self), (self.reason, self.position))


class BrokenRuleError(ZoneFileError):
    """It can read the file, and finds that the zone breaks one of its rules; `fix` is a sentence too."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix

    def __reduce__(self) -> tuple[type[BrokenRuleError], tuple[str, str]]:
        return (type(self), (self.reason, self.fix))
