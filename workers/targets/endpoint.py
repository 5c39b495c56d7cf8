"""How to reach a repository: its account, our key for it, and the host key that a person confirmed."""

from __future__ import annotations

from tenants.models import Repository
from tenants.secrets import Opener, Purpose
from workers.ssh import SshEndpoint


def endpoint_of(
    repository: Repository, opener: Opener, connect_timeout: float = 10.0, timeout: float = 30.0
) -> SshEndpoint:
    """The repository's account, with our private key opened; times in seconds. Raises CannotOpen."""
    return SshEndpoint(
        host=repository.host,
        port=repository.port,
        username=repository.username,
        pinned_key=repository.host_key or None,
        private_key=opener.open(Purpose.SSH_KEY, bytes(repository.sealed_key)),
        connect_timeout=connect_timeout,
        timeout=timeout,
    )
