"""What goes by itself in time: each sweep drops what has served its purpose and ends what waited too long."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Protocol

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from tenants import answers
from tenants.actions.deciders import remind_deciders
from tenants.actions.digests import forget_notices, send_digests
from tenants.actions.expiry import expire_addresses, remind_of_expiry
from tenants.actions.exports import expire_exports
from tenants.actions.former_passphrases import forget_former_passphrases
from tenants.actions.image_fetches import forget_fetches
from tenants.actions.imports import forget_imports
from tenants.actions.organization_imports import forget_organization_imports
from tenants.actions.request_ends import expire_requests
from tenants.actions.retention import forget_events
from tenants.actions.stack_passes import forget_removed_stacks
from tenants.actions.trash import purge_trash
from tenants.actions.unikernels import forget_deleted_unikernels
from tenants.actions.volumes import forget_deleted_volumes
from tenants.actions.webhook_deliveries import forget_deliveries
from tenants.actor import Actor
from tenants.models import Allowance, DecisionLink, Session, SignInLink

log = logging.getLogger(__name__)


class Chore(Protocol):
    """An action of Rookery itself, on a few rows at a time; how many it were."""

    __name__: str

    def __call__(self, *, actor: Actor) -> int: ...


CHORES: tuple[Chore, ...] = (
    expire_requests,
    remind_deciders,
    forget_imports,
    forget_organization_imports,
    forget_events,
    forget_fetches,
    forget_former_passphrases,
    purge_trash,
    expire_exports,
    remind_of_expiry,
    expire_addresses,
    forget_deleted_unikernels,
    forget_deleted_volumes,
    forget_removed_stacks,
    forget_deliveries,
    send_digests,
    forget_notices,
)


def tidy() -> None:
    """Do each chore. A bug in one is loud, and leaves the others to be done."""
    _drop_old_rows()
    for chore in CHORES:
        try:
            chore(actor=Actor.rookery())
        except (OperationalError, InterfaceError):
            raise  # The database is away or busy: so it is for the others.
        except Exception:
            log.exception("%s failed", chore.__name__)


def _drop_old_rows() -> None:
    """What nobody can use any more, and what no event tells of."""
    now = timezone.now()
    long_ago = now - timedelta(days=2)
    SignInLink.objects.filter(expires_at__lt=long_ago).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    Allowance.objects.filter(since__lt=long_ago).delete()
    DecisionLink.objects.filter(expires_at__lt=now).delete()
    answers.forget_expired()
