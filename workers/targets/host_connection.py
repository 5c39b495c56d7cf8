"""How to reach the albatross of a host, and what goes wrong on the way as an outcome with advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from tenants.formats.text import printable
from tenants.models import Host
from tenants.secrets import Opener, Purpose
from workers import albatross, ssh
from workers.albatross.certificates import Authority, CertificateError, read_authority
from workers.albatross.dialer import Dialer
from workers.albatross.names import Name
from workers.albatross.releases import Dialect, Release, dialect_of
from workers.albatross.tls import TlsDialer, TlsEndpoint
from workers.albatross.values import QuotaPolicy
from workers.hosting.readiness import PortDialer
from workers.outcome import NeedsPerson, Retry
from workers.targets.trust import host_key_setback

# Together below the time that a task may take; a create waits for the end of what it replaces.
TIMEOUTS = albatross.Timeouts(connect=5.0, read=10.0, change=45.0, transfer=60.0)
_NEWEST = Release(2, 7)


def ssh_endpoint(host: Host, opener: Opener) -> ssh.SshEndpoint:
    """The account on a host that is reached by SSH, with its key opened."""
    return ssh.SshEndpoint(
        host=host.host,
        port=host.port,
        username=host.username,
        pinned_key=host.host_key or None,
        private_key=opener.open(Purpose.SSH_KEY, bytes(host.sealed_key or b"")),
        connect_timeout=TIMEOUTS.connect,
        timeout=TIMEOUTS.read,
    )


@dataclass(frozen=True)
class HostAccess:
    """A host's row with its secrets opened. `authority` is there for TLS only."""

    host: Host
    opener: Opener
    pool: ssh.ConnectionPool
    authority: Authority | None

    @classmethod
    def of(cls, host: Host, opener: Opener, pool: ssh.ConnectionPool) -> HostAccess:
        """Raises NeedsPerson for an authority that signs nothing."""
        if host.transport != Host.Transport.TLS:
            return cls(host, opener, pool, None)
        key = opener.open(Purpose.AUTHORITY_KEY, bytes(host.sealed_key or b""))
        try:
            authority = read_authority(host.authority.encode(), key.encode())
        except CertificateError as error:
            raise NeedsPerson("authority-unusable", _upper(error.sentence), error.hint) from error
        if authority.ends <= datetime.now(UTC):
            raise NeedsPerson(
                "authority-expired",
                f"The certificate that signs commands for {host} has expired.",
                "Ask the host's owner for a new one. Whoever runs this Rookery gives it to it:"
                " manage.py host_authority HOST --authority FILE --key FILE.",
            )
        return cls(host, opener, pool, authority)

    @property
    def over_tls(self) -> bool:
        return self.authority is not None

    @property
    def root(self) -> Name:
        """The highest path that we may read."""
        return Name(self.authority.path) if self.authority is not None else albatross.ROOT

    def dialer(self, dialect: Dialect, policies: Mapping[Name, QuotaPolicy]) -> Dialer:
        host = self.host
        if self.authority is not None:
            endpoint = TlsEndpoint(host.host, host.server_ca, host.port)
            return TlsDialer(endpoint, self.authority, dialect, policies)
        if host.transport == Host.Transport.SSH:
            endpoint_there = ssh_endpoint(host, self.opener)
            return albatross.SshDialer(self.pool, endpoint_there, PurePosixPath(host.socket_folder))
        return albatross.LocalDialer(Path(host.socket_folder))

    def port_dialer(self) -> PortDialer | None:
        """A way to ports as the host itself reaches them; None where there is only its TLS endpoint."""
        dialer = None if self.over_tls else self.dialer(dialect_of(_NEWEST), {})
        return dialer if isinstance(dialer, albatross.SshDialer | albatross.LocalDialer) else None

    def client(
        self, dialect: Dialect, policies: Mapping[Name, QuotaPolicy] | None = None
    ) -> albatross.Client:
        return albatross.Client(self.dialer(dialect, policies or {}), dialect, TIMEOUTS)

    def find_release(self) -> Release:
        """Which albatross answers. Over TLS the question is for the path that we sign for."""
        return albatross.find_release(self.dialer(dialect_of(_NEWEST), {}), at=self.root)


# So often something that is no answer of albatross is asked for again before a person is: a daemon that was
# killed, or a way to it that broke, can say anything once.
TRIES = 3


@contextmanager
def outcomes(host: Host, *, failures: int = TRIES) -> Iterator[None]:
    """What goes wrong with a host becomes an outcome with advice. `failures`: how often it was tried in vain
    just before, where somebody tries again."""
    try:
        yield
    except (ssh.HostKeyUnknown, ssh.HostKeyChanged) as error:
        Host.objects.filter(pk=host.pk).update(offered_host_key=error.offered_key)
        raise host_key_setback(host.host, host.host_key, error) from error
    except albatross.NotTrusted as error:
        raise NeedsPerson("endpoint-not-trusted", _upper(error.sentence), error.hint) from error
    except albatross.NotPermitted as error:
        raise NeedsPerson("not-let-in", f"{host}: {error.sentence}.", error.hint) from error
    except CertificateError as error:
        raise NeedsPerson("authority-unusable", _upper(error.sentence), error.hint) from error
    except albatross.Unreachable as error:
        raise Retry("unreachable", f"{host} cannot be reached: {printable(error.sentence, 200)}.") from error
    except ssh.Unreachable as error:
        raise Retry("unreachable", f"{host} cannot be reached: {printable(str(error), 200)}.") from error
    except albatross.UnknownOutcome as error:
        raise Retry("unknown-outcome", f"{_upper(error.sentence)}; looking what runs there now.") from error
    except albatross.CommandFailed as error:
        raise NeedsPerson("host-refused", f"{host} refused: {error.words}", error.hint) from error
    except albatross.NotSendable as error:
        raise NeedsPerson("not-sendable", _upper(error.sentence), error.hint) from error
    except albatross.ClosedWithoutReply as error:
        # Perhaps another release runs there now: it is asked again at the next look.
        Host.objects.filter(pk=host.pk).update(release="")
        raise Retry("closed", f"{host} closed the connection without an answer.") from error
    except (albatross.DecodeError, ssh.SshError) as error:
        if isinstance(error, albatross.DecodeError) and failures < TRIES:
            said = f"What {host} answered was no answer of albatross: {printable(str(error), 200)}."
            raise Retry("garbled", said) from error
        raise NeedsPerson(
            "not-albatross",
            f"What answers on {host} does not speak as albatross does: {printable(str(error), 200)}.",
            "Check address, port and socket folder of this host.",
        ) from error


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
