"""What only a worker can do for a mail stack that was taken over: its secrets are sealed to workers."""

from __future__ import annotations

from tenants.actions.signing_keys import make_signing_key
from tenants.actions.stack_secrets import DKIM_SEED
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.models import SigningKey, Stack, UnikernelSecret
from tenants.secrets import Opener, Purpose
from workers.targets.base import Pass


def keep_signing_key(current: Pass, stack: Stack, opener: Opener) -> None:
    """Make the seed that the signer was given the domain's DKIM key, so that checks and upgrades know it."""
    if stack.wanted != Stack.Wanted.RUNNING or stack.release is None:
        return
    label = stack.release.labels.get("signer", "")
    rows = UnikernelSecret.objects.filter(
        unikernel__share=stack.share_id, unikernel__name=label, name=DKIM_SEED
    )
    row = rows.first()
    known = SigningKey.objects.filter(domain=stack.domain_id, selector=stack.selector).exists()
    if row is None or known:
        return
    seed = opener.open(Purpose.ARGUMENT, bytes(row.sealed_value))
    try:
        with current.write():
            make_signing_key(actor=Actor.rookery(), domain=stack.domain, selector=stack.selector, seed=seed)
    except (Invalid, Conflict) as refusal:
        current.note(f"The DKIM key was not taken over: {refusal.sentence}")
