"""What can go wrong between a repository and us, beyond SSH itself."""

from __future__ import annotations


class RepositoryError(Exception):
    """The other side is no git repository that we can use."""


class MirrorDamaged(RepositoryError):
    """Our own copy lacks or garbles what it should have; without it, everything can be fetched again."""


class LostRace(RepositoryError):
    """The branch moved between our look and our push; nothing was written."""


class PushRefused(RepositoryError):
    """The remote does not want our push: a hook, a permission, a protected branch."""


class UnknownOutcome(RepositoryError):
    """The connection broke after the pack was sent: look again before anything else."""
