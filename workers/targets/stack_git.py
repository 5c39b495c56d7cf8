"""A mail stack's keys on its git host: let in with least rights, proved by signing in, taken out again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenants.errors import Conflict
from tenants.formats.git_access import restricted_line
from tenants.formats.stacks.phases import Found
from tenants.models import Repository, Stack
from tenants.secrets import Opener, Purpose
from tenants.stack_wishes import relay_of, zone_of
from workers import ssh
from workers.outcome import NeedsPerson
from workers.repository import (
    RemoteRepository,
    RepositoryError,
    ShellUnavailable,
    authorize,
    inspect,
    read_refs,
    withdraw,
)
from workers.targets.endpoint import endpoint_of
from workers.targets.git_target import GitTarget


@dataclass(frozen=True)
class _Key:
    """One of `users` and `zones`; only the primary, which has the second, writes."""

    use: str
    argument: str = field(repr=False)
    public: str
    repository: Repository

    @property
    def writes(self) -> bool:
        return self.use == "zones"


@dataclass(frozen=True)
class GitRights:
    """`pool` holds connections to git hosts."""

    opener: Opener
    pool: ssh.ConnectionPool

    def look(self, stack: Stack, *, written: bool) -> Found:
        """Sign in with each key and read its repository, as a unikernel will."""
        proof, silent = {}, ""
        for key in self._keys(stack):
            try:
                self._sign_in(key)
            except (ssh.AuthenticationRefused, ssh.CommandFailed, RepositoryError):
                continue
            except ssh.SshError as error:
                silent = f"{key.repository.host} cannot be reached: {error}."
                continue
            proof[key.use] = f"{key.repository.path} on {key.repository.host}, read with this key"
        if silent:
            return Found(written=written, waiting=silent)
        gone = not proof
        if len(proof) == len(list(self._keys(stack))):
            return Found(written=True, proof=proof or {"keys": "none is needed"}, gone=gone)
        return Found(
            written=written or bool(proof), waiting="The git host does not let them in yet.", gone=gone
        )

    def grant(self, stack: Stack) -> None:
        """Raises Conflict with what to do by hand, and Retry."""
        self._each(stack, authorize, "Add this line to")

    def take(self, stack: Stack) -> None:
        """Raises Conflict with what to do by hand, and Retry."""
        self._each(stack, withdraw, "Take the line of this key out of")

    def _each(self, stack: Stack, act: Callable[[ssh.Connection, str], str], by_hand: str) -> None:
        git = GitTarget(opener=self.opener, pool=self.pool)
        for key in self._keys(stack):
            remote = RemoteRepository(
                endpoint_of(key.repository, self.opener), key.repository.path, key.repository.branch
            )
            try:
                with git.connection(key.repository) as connection:
                    try:
                        where = inspect(connection, remote).where
                        said = act(connection, restricted_line(key.public, where, writes=key.writes))
                    except (ShellUnavailable, ValueError):
                        said = "by-hand"
            except NeedsPerson as setback:
                raise Conflict(f"{setback.sentence} {setback.advice}") from setback
            if said == "by-hand":
                line = restricted_line(key.public, key.repository.path, writes=key.writes)
                raise Conflict(
                    f"Rookery's key may only run git there. {by_hand} .ssh/authorized_keys of"
                    f" {key.repository.username}@{key.repository.host}, then try again: {line}"
                )
            if said == "otherwise":
                raise Conflict(
                    f"A line for the {key.use} key stands in authorized_keys on {key.repository.host} with"
                    " other rights. Take it out by hand, then try again."
                )

    def _keys(self, stack: Stack) -> Iterator[_Key]:
        zone = zone_of(stack.domain)
        places = {
            "users": relay_of(stack.domain),
            "zones": zone.target.repository if zone is not None else None,
        }
        for row in stack.secrets.filter(name="ssh-key").order_by("holder"):
            repository = places.get(row.holder)
            if repository is not None:
                argument = self.opener.open(Purpose.ARGUMENT, bytes(row.sealed_value))
                if not argument.startswith("ed25519:"):
                    continue  # taken over: a unikernel makes it of a seed, and its line was typed by hand
                yield _Key(row.holder, argument, row.public, repository)

    def _sign_in(self, key: _Key) -> None:
        seed = base64.b64decode(key.argument.removeprefix("ed25519:"))
        private = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
        )
        own = endpoint_of(key.repository, self.opener, 5.0, 5.0)
        endpoint = replace(own, private_key=private.decode("ascii"))
        remote = RemoteRepository(endpoint, key.repository.path, key.repository.branch)
        # Never a kept connection: that one would go on after the key was taken out.
        connection = self.pool.fresh(endpoint)
        try:
            read_refs(connection, remote)
        finally:
            connection.close()
