"""What a daemon's refusals mean. Their words changed between releases: unknown ones are shown as they are."""

from __future__ import annotations

import re
from enum import Enum

from tenants.formats.text import printable
from workers.albatross.errors import AlbatrossError


class FailureKind(Enum):
    """Why a daemon refused; the value is stable and may be stored."""

    EXISTS = "exists"
    NOT_FOUND = "not_found"
    IN_USE = "in_use"
    OVER_QUOTA = "over_quota"
    QUOTA_IMPOSSIBLE = "quota_impossible"
    DEVICES = "devices"
    IMAGE = "image"
    HOST = "host"
    CONSOLE_LOST = "console_lost"
    WRONG_DAEMON = "wrong_daemon"
    VOLUME = "volume"
    ENDPOINT = "endpoint"
    OTHER = "other"


_WORDS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (FailureKind.CONSOLE_LOST, r"could not create (unikernel|vm): console failed"),
        (FailureKind.EXISTS, r"same name (is )?already|with name \S+ already exists"),
        (FailureKind.IN_USE, r"is in use|already in use"),
        (FailureKind.HOST, r"^(interface|tender) .*does not exist|tender --version"),
        (FailureKind.NOT_FOUND, r"not found|^unknown (unikernel|vm|policy)|no (unikernel|vm) found"),
        (
            FailureKind.QUOTA_IMPOSSIBLE,
            r"^policy (above|does not|allows)|set by policy to|would exceed running",
        ),
        (
            FailureKind.OVER_QUOTA,
            r"maximum (amount|allowed)|(not|are) allowed by policy|policy limit|would be exceeded",
        ),
        (FailureKind.DEVICES, r"does not match (with )?(the )?manifest"),
        (FailureKind.IMAGE, r"ELF parsing|failed to uncompress|unsupported solo5 target"),
        (FailureKind.WRONG_DAEMON, r"^(unknown|unexpected) command"),
        (
            FailureKind.VOLUME,
            r"overflow while computing|(data|stream) exceeds|file descriptor|opening block|reading stream",
        ),
        (
            FailureKind.ENDPOINT,
            r"couldn't (reach|write)|reading from fd|writing block|tls chunk|^expected success|^exception",
        ),
    )
)
_HINTS = {
    FailureKind.EXISTS: "Choose another name, or replace the one that is there.",
    FailureKind.NOT_FOUND: "Look at what is on the host: somebody else may have removed it.",
    FailureKind.IN_USE: "Stop the unikernel that uses the block volume first.",
    FailureKind.OVER_QUOTA: "Raise the quota policy of this path, or ask for less. A bridge made after "
    "albatross started is known only after albatross_daemon was restarted.",
    FailureKind.QUOTA_IMPOSSIBLE: "Keep the quota policy within the one above it, and above what runs and "
    "the ones below it.",
    FailureKind.DEVICES: "Give the unikernel exactly the network and block devices that its image lists.",
    FailureKind.IMAGE: "Use a Solo5 image for hvt or spt; compressed ones must be zlib streams.",
    FailureKind.HOST: "Make the bridge, or install the Solo5 tender of the image's ABI, on the host.",
    FailureKind.CONSOLE_LOST: "If creates keep failing, restart albatross_daemon on the host: it lost its "
    "console daemon. If only this one fails, look at its quota policy.",
    FailureKind.WRONG_DAEMON: "This albatross does not know the command, or another daemon was asked.",
    FailureKind.VOLUME: "Check the size of the block volume and of what is written to it.",
    FailureKind.ENDPOINT: "Check that albatross's daemons run on the host; its log says more.",
    FailureKind.OTHER: "",
}


def kind_of(words: str) -> FailureKind:
    """What a refusal means, by its words."""
    return next((kind for kind, pattern in _WORDS if pattern.search(words)), FailureKind.OTHER)


class CommandFailed(AlbatrossError):
    """The daemon read the command and refused it. `words` are its own, made printable."""

    def __init__(self, raw: bytes) -> None:
        self.words = printable(raw, 2000)
        self.kind = kind_of(self.words)
        super().__init__(f"albatross refused: {self.words}", _HINTS[self.kind])
