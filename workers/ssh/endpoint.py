"""Where to connect and as whom, and the ways in which that fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenants.formats.sshkeys import fingerprint


@dataclass(frozen=True)
class SshEndpoint:
    """One account on one host. Times are in seconds."""

    host: str
    port: int
    username: str
    private_key: str = field(repr=False)
    pinned_key: str | None = None
    connect_timeout: float = 10.0
    timeout: float = 30.0


class SshError(Exception):
    """Base of everything that this package raises."""


class Unreachable(SshError):
    """No answer, refused, reset or too slow: trying again may help."""


class TooManyChannels(Unreachable):
    """It runs no more commands at once on this connection, which goes on with those that run."""


class NotForwarded(SshError):
    """The host leads nobody to ports; its other services go on."""


class PortClosed(SshError):
    """The host did not get a connection to a port; the connection to the host itself goes on."""


class HostKeyUnknown(SshError):
    """No key is pinned yet. The host was asked for its key and nothing else: no name, no proof of ours."""

    def __init__(self, offered_key: str) -> None:
        super().__init__("the host key is not confirmed yet")
        self.offered_key = offered_key
        self.fingerprint = fingerprint(offered_key)


class HostKeyChanged(HostKeyUnknown):
    """The host shows another key than the pinned one; nothing of ours was sent."""

    def __init__(self, offered_key: str, pinned_key: str) -> None:
        super().__init__(offered_key)
        self.pinned_key = pinned_key


class AuthenticationRefused(SshError):
    """The host does not let this account in with our key."""


class CommandFailed(SshError):
    """The remote command ended with a status other than 0."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"status {status}: {message}" if message else f"status {status}")
        self.status = status
        self.message = message


class ProtocolError(SshError):
    """The other side does not speak SSH as it should."""
