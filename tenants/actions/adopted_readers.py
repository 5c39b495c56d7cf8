"""The unikernels of a stack that was taken over, linked to the users' repository where it is certain that
they read that one: they restart after its changes from then on, like those of a stack that Rookery made."""

from __future__ import annotations

from collections.abc import Iterable

from tenants.actions.adoption_blueprints import Taken
from tenants.actions.readers import link_reader
from tenants.actor import Actor
from tenants.formats.existing.guess import Certainty
from tenants.formats.roles.kinds import split_remote
from tenants.formats.roles.role import Era
from tenants.models import Domain, Repository, RepositoryReader, Run, Step, SyncTarget
from tenants.stack_wishes import relay_of


def link_adopted_readers(actor: Actor, domain: Domain, taken: Iterable[Taken]) -> list[RepositoryReader]:
    """Link those that read the relay repository of `domain`; what a person linked stays as it is.

    They are taken for having read what others wrote there, so that nothing restarts because of this. Where
    Rookery wrote, and a restart by hand is waited for, that restart is Rookery's from now on.
    """
    repository = relay_of(domain)
    if repository is None:
        return []
    target = repository.sync_target
    commit = "" if _has_written(target) else str(target.proof.get("commit", ""))[:64]
    found = [each for each in taken if _reads(each, repository)]
    linked = RepositoryReader.objects.filter(unikernel__in=[each.row for each in found])
    already = set(linked.values_list("unikernel_id", flat=True))
    return [
        link_reader(
            actor=actor, repository=repository, unikernel=each.row, role=each.role.name, read_commit=commit
        )
        for each in found
        if each.row.pk not in already
    ]


def _has_written(target: SyncTarget) -> bool:
    """Then what was read is known when a person said that the readers were restarted since."""
    steps = Step.objects.filter(run__target=target, run__mode=Run.Mode.APPLY, name="apply")
    return steps.exclude(state__in=(Step.State.PENDING, Step.State.SKIPPED)).exists()


def _reads(each: Taken, repository: Repository) -> bool:
    """A host has several names: path and branch have to agree. Where none is named, it is ptt's default."""
    is_reader = each.role.name in RepositoryReader.Role.values
    if not is_reader or each.part.guess.certainty is not Certainty.CERTAIN:
        return False
    place = split_remote(each.part.seen.value("--remote"))
    if place is None:
        return False
    _, _, path, branch = place
    used = branch or ("master" if each.era is Era.P22 else "main")
    return (path.lstrip("/"), used) == (repository.path.lstrip("/"), repository.branch)
