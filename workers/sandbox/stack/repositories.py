"""The git host as a unikernel reaches it: by the address in `--remote`, with the key in `--ssh-key`."""

from __future__ import annotations

import base64
import tempfile
import time
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenants.formats.roles.kinds import split_remote
from tenants.formats.roles.role import Era
from tenants.formats.sshkeys import fingerprint
from tenants.formats.zones.seeded_keys import rsa_private_key
from workers.repository import RemoteRepository
from workers.sandbox.primary.clone import Clone, PullFailed
from workers.sandbox.stack.unikernel import BAD_ARGUMENTS, UNCAUGHT, EndsError, Unikernel
from workers.sandbox.users import Table, table_of
from workers.ssh import SshEndpoint

__all__ = ["ANY_KEY_OPTIONS", "private_key", "read_table", "remote_of"]

ANY_KEY_OPTIONS = ("--authenticator", "--ssh-authenticator")
_RSA_BITS = 4096


def remote_of(unikernel: Unikernel) -> RemoteRepository:
    """The repository of `--remote`. Raises EndsError for a host that is not there, or a wrong host key."""
    user, host, path, branch = split_remote(unikernel.one("--remote")) or ("", "", "", "")
    git = unikernel.world.git
    if host not in {unikernel.gateway, git.host}:
        code = BAD_ARGUMENTS if unikernel.role.name == "primary" else UNCAUGHT
        raise EndsError(f"connection to {host}:22 failed: no route, or nobody listens", code)
    _check_host_key(unikernel)
    try:
        private = private_key(unikernel.one("--ssh-key"))
    except ValueError:
        raise EndsError("the SSH key cannot be read", BAD_ARGUMENTS) from None
    endpoint = SshEndpoint(git.host, git.port, user, private, pinned_key=git.public_key)
    default = "master" if unikernel.era is Era.P22 else "main"
    return RemoteRepository(endpoint, path, branch or default)


def read_table(unikernel: Unikernel) -> Table:
    """The users, read once, as at boot. Blocks. Raises EndsError: the real one dies of an exception."""
    remote = remote_of(unikernel)
    with tempfile.TemporaryDirectory(dir=unikernel.world.folder) as folder:
        clone = Clone(Path(folder), remote, time.time)
        try:
            files = clone.pull()
        except PullFailed as error:
            raise EndsError(f"Fatal error: exception Failure({error})") from None
        finally:
            clone.close()
    if clone.head is None:
        raise EndsError(f"Fatal error: exception Failure(no refs/heads/{remote.branch} in {remote.path})")
    return table_of(sorted(files.items()), clone.head)


@lru_cache(maxsize=32)
def private_key(argument: str) -> str:
    """The argument as an OpenSSH private key. Raises ValueError."""
    kind, _, value = argument.partition(":")
    if kind == "ed25519":
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(value))
        return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    rsa = rsa_private_key(value.encode(), _RSA_BITS)
    return rsa.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _check_host_key(unikernel: Unikernel) -> None:
    """`SHA256:` alone means an RSA key, which the git host has none of."""
    wanted = next((unikernel.one(name) for name in ANY_KEY_OPTIONS if unikernel.one(name)), "")
    kind, blob = unikernel.world.git.public_key.split()[:2]
    shown = fingerprint(f"{kind} {blob}").removeprefix("SHA256:")
    if wanted and wanted.rstrip("=") not in {f"ed25519:{shown}", blob.rstrip("=")}:
        raise EndsError("the git host's key is not the expected one")
