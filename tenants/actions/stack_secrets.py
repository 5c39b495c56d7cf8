"""The keys and seeds of a stack: made once, sealed, and told to the roles that need them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tenants.actions.blueprints import Blueprint
from tenants.actions.signing_keys import make_signing_key
from tenants.actions.tsig_keys import create_key
from tenants.actor import Actor
from tenants.formats.roles.keys import new_seed, new_ssh_key
from tenants.models import Stack, StackSecret, TsigKey, Zone
from tenants.secrets import Purpose, seal
from tenants.stack_wishes import zone_of

DKIM_SEED = "dkim-seed"


@dataclass(frozen=True)
class Made:
    """Values by (role, name of the secret), as arguments have them; forgotten with the transaction."""

    values: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def value(self, role: str, name: str) -> str:
        return self.values[role, name]


def make_secrets(actor: Actor, stack: Stack, blueprint: Blueprint) -> Made:
    """Make what the plan names. Roles that read the same repository share its SSH key."""
    made, zone = Made(), zone_of(stack.domain)
    for use, roles in blueprint.plan.ssh.items():
        key = new_ssh_key(f"{stack.domain} {use}")
        _keep(stack, use, "ssh-key", key.argument, public=key.public)
        made.values.update({(role, "ssh-key"): key.argument for role in roles})
    for each in blueprint.plan.roles:
        role = each.role.name
        for secret in each.secrets:
            if secret.option == "--ssh-key":
                continue
            if secret.name == DKIM_SEED:
                # The domain's own key: it outlives the stack, and the checks know it.
                key_row = make_signing_key(actor=actor, domain=stack.domain, selector=stack.selector)
                made.values[role, secret.name] = key_row.seed
                continue
            row: TsigKey | None = None
            if secret.option == "--dns-key":
                value, row = _key(actor, zone, role)
            else:
                value = new_seed()
            made.values[role, secret.name] = value
            _keep(stack, role, secret.name, value, key=row)
    return made


def _key(actor: Actor, zone: Zone | None, role: str) -> tuple[str, TsigKey]:
    repository = zone.target.repository if zone is not None else None
    assert repository is not None  # noqa: S101 - the blueprint said that nothing lacks
    new = create_key(actor=actor, repository=repository, zone=zone, used_by=role, right="update")
    return new.unikernel_string(), new.row


def _keep(
    stack: Stack, holder: str, name: str, value: str, *, public: str = "", key: TsigKey | None = None
) -> None:
    StackSecret.objects.create(
        stack=stack,
        holder=holder,
        name=name,
        sealed_value=seal(Purpose.ARGUMENT, value),
        public=public,
        key=key,
    )
