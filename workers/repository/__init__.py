"""Git over kept SSH connections: our mirror, hand-made commits and thin packs. No Django here."""

from __future__ import annotations

from workers.repository.commit import FileChange, NewCommit, build_commit
from workers.repository.errors import (
    LostRace,
    MirrorDamaged,
    PushRefused,
    RepositoryError,
    UnknownOutcome,
)
from workers.repository.hosting import (
    Hosting,
    authorize,
    inspect,
    look_for_key,
    set_up,
    withdraw,
)
from workers.repository.mirror import Mirror
from workers.repository.objects import Commit
from workers.repository.push import push
from workers.repository.remote import (
    Refs,
    RemoteRepository,
    ShellUnavailable,
    Tips,
    read_refs,
    read_tips_at_once,
    read_tips_side_by_side,
)
from workers.repository.tidy import Size, tidy_remote

__all__ = [
    "Commit",
    "FileChange",
    "Hosting",
    "LostRace",
    "Mirror",
    "MirrorDamaged",
    "NewCommit",
    "PushRefused",
    "Refs",
    "RemoteRepository",
    "RepositoryError",
    "ShellUnavailable",
    "Size",
    "Tips",
    "UnknownOutcome",
    "authorize",
    "build_commit",
    "inspect",
    "look_for_key",
    "push",
    "read_refs",
    "read_tips_at_once",
    "read_tips_side_by_side",
    "set_up",
    "tidy_remote",
    "withdraw",
]
