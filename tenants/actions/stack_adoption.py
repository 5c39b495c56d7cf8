"""A mail stack out of what was taken over, as it runs: nothing is restarted, and nothing outside is changed.

Its rules are those of others until somebody lets Rookery write its own beside them; its records, and what its
keys may do on the git host, stay as they are until somebody asks for more.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.adopted_readers import link_adopted_readers
from tenants.actions.adoption_blueprints import REFERENCE, Adoption, Taken, preview_adoption, survey_of
from tenants.actions.audit import record
from tenants.actions.firewalls import require_possible
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.stacks import keep_phases, phases
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.models import (
    Domain,
    Firewall,
    HostAddress,
    PublicAddress,
    Release,
    Stack,
    StackPhase,
    StackSecret,
    Survey,
    SyncTarget,
    UnikernelSecret,
)

_REPOSITORY = {"relay": "users", "submission": "users", "primary": "zones"}
_TAKEN_OVER = {"taken over": "it ran like this"}


@transaction.atomic
def adopt_stack(
    *,
    actor: Actor,
    domain: Domain,
    public: PublicAddress,
    services: Mapping[str, str] | None = None,
    plan: str,
) -> Stack:
    """Declare what runs a mail stack, exactly as it was shown; `plan` is the digest of that.

    Whatever leads port 25 to it goes on; that Rookery's own rules do so is a decision of its own. Raises
    Invalid with all that is lacking, and Conflict when it is another one by now.
    """
    survey = survey_of(actor, domain)
    lock(domain)
    lock(survey.share.host)
    lock(survey.share)
    adoption = preview_adoption(actor=actor, domain=domain, public=public, services=services)
    if adoption.lacking:
        raise Invalid(adoption.lacking)
    if adoption.digest != plan:
        raise Conflict("What runs is something else by now. Read it again, then confirm it.")
    stack = _rows(actor, domain, survey, adoption)
    for each in adoption.taken:
        _keep_secrets(stack, each)
        _keep_address(adoption, each)
    link_adopted_readers(actor, domain, adoption.taken)
    now = timezone.now()
    keep_phases(stack, phases(stack))
    stack.phases.update(state=StackPhase.State.PROVED, proof=_TAKEN_OVER, began_at=now, ended_at=now)
    record(
        actor,
        "adopt_stack",
        stack,
        f"What runs on {survey.share.host} is the mail stack of {domain} from now on, as it runs.",
        domain=domain,
        target=stack.sync_target,
        after={
            "public": public.address,
            "host": str(survey.share.host),
            "unikernels": [each.row.name for each in adoption.taken],
            "services": dict(adoption.services),
        },
    )
    return stack


def _rows(actor: Actor, domain: Domain, survey: Survey, adoption: Adoption) -> Stack:
    now = timezone.now()
    assert adoption.network is not None  # noqa: S101 - nothing lacks
    stack = Stack.objects.create(
        domain=domain,
        share=survey.share,
        network=adoption.network,
        public=adoption.public,
        submission_host=adoption.submission_host,
        selector=adoption.selector,
        git_address=adoption.git_address,
        production=adoption.production,
        firewall=Stack.Firewall.OTHERS,
        adopted_at=now,
        changed_at=now,
    )
    target = SyncTarget.objects.create(
        kind=SyncTarget.Kind.STACK,
        organization=domain.organization,
        stack=stack,
        drift_mode=SyncTarget.DriftMode.REPAIR,
        marked_at=now,
    )
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    stack.release = Release.objects.create(
        stack=stack,
        number=1,
        parts=[
            {
                "role": each.role.name,
                "era": each.era.value,
                "image": each.row.image.sha256,
                "label": each.row.name,
                "address": each.part.seen.address,
                "arguments": _renamed(each),
            }
            for each in adoption.taken
        ],
        services=dict(adoption.services),
        note="As it ran when it was taken over.",
        made_by=str(actor)[:300],
        made_at=now,
    )
    stack.save(update_fields=["release"])
    return stack


def _renamed(each: Taken) -> list[str]:
    """Its arguments, with Rookery's own names for what is referred to: filled in, they are the same bytes."""
    names = {theirs: ours for ours, theirs in each.secrets.items()}
    return [
        REFERENCE.sub(lambda found: f"{{secret:{names.get(found[1], found[1])}}}", str(argument))
        for argument in each.row.arguments
    ]


def _keep_secrets(stack: Stack, each: Taken) -> None:
    """Give the unikernel's secrets the names that the next release looks for, and the stack its copies."""
    row, renamed = each.row, _renamed(each)
    if renamed != list(row.arguments):
        row.arguments = renamed
        row.save(update_fields=["arguments"])
    sealed = {one.name: one for one in row.secrets.all()}
    for ours, theirs in each.secrets.items():
        secret = sealed.get(theirs)
        if secret is None:
            continue
        if ours != theirs:
            UnikernelSecret.objects.filter(pk=secret.pk).update(name=ours)
        option = next(one.option for one in each.role.secrets[each.era] if one.name == ours)
        told = each.part.seen.argument(option)
        holder = _REPOSITORY[each.role.name] if option == "--ssh-key" else each.role.name
        StackSecret.objects.get_or_create(
            stack=stack,
            holder=holder,
            name=ours,
            defaults={
                "sealed_value": bytes(secret.sealed_value),
                "public": told.told[:1000] if told is not None else "",
            },
        )


def _keep_address(adoption: Adoption, each: Taken) -> None:
    """Nobody else is given the address of a unikernel whose arguments name it without its network."""
    network, address = adoption.network, each.part.seen.address
    if network is None or HostAddress.objects.filter(network=network, address=address).exists():
        return
    HostAddress.objects.create(
        network=network, address=address, note=f"{each.row.name}, as it was taken over"
    )


@transaction.atomic
def take_over_rules(*, actor: Actor, stack: Stack) -> Stack:
    """Let Rookery write the stack's own rules, beside those of others that do the same. Taking those out is
    for a person, after these were read back from the host. Raises Conflict where Rookery may not write."""
    access.require(actor, access.Verb.SWITCH, stack)
    lock(stack.share.host)
    lock(stack)
    if stack.wanted != Stack.Wanted.RUNNING:
        raise Conflict(f"{stack} shall not run any more.")
    if stack.firewall != Stack.Firewall.OTHERS:
        return stack
    rows = Firewall.objects.filter(host=stack.share.host_id).select_related("sync_target", "host")
    firewall = rows.first()
    if firewall is None or not firewall.enabled:
        said = f"Rookery keeps no rules in the firewall of {stack.share.host}."
        raise Conflict(f"{said} Ask an operator to let it do so, on the host's page.")
    stack.firewall, stack.changed_at = Stack.Firewall.OPEN, timezone.now()
    stack.save(update_fields=["firewall", "changed_at"])
    require_possible(firewall)
    stack.phases.filter(name__in=("firewall", "open")).update(
        state=StackPhase.State.PENDING, reason="", proof={}, began_at=None, ended_at=None
    )
    outbox.mark([stack.sync_target, firewall.sync_target])
    record(
        actor,
        "take_over_rules",
        stack,
        f"Rookery writes the rules of {stack}, beside those of others.",
        domain=stack.domain,
        target=stack.sync_target,
        before={"firewall": "others"},
        after={"firewall": "open"},
    )
    return stack


final("Remove the stack instead, or go on as before: nothing outside was changed.", "adopt_stack")
final("The rules of others are there as before, unless somebody took them out.", "take_over_rules")
