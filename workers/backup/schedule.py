"""Backups that workers make by themselves, as often as the settings say, one at a time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from tenants.models import Installation
from workers.backup.making import make_backup
from workers.backup.seals import Passphrase, PublicHalf, Refused, SealsTo

log = logging.getLogger(__name__)
# A task may take so long; one that was killed is begun again after it.
SECONDS = 3000
_CLAIM = timedelta(seconds=SECONDS + 600)


def seal_of_settings() -> SealsTo:
    """Raises Refused where nothing is set."""
    if settings.BACKUP_KEY:
        return PublicHalf(settings.BACKUP_KEY)
    if settings.BACKUP_PASSPHRASE:
        return Passphrase(settings.BACKUP_PASSPHRASE)
    raise Refused(
        "There is nothing to seal a backup with. Set ROOKERY_BACKUP_KEY (manage.py backup --new-key FILE"
        " makes one) or ROOKERY_BACKUP_PASSPHRASE."
    )


def due_backups(now: datetime) -> QuerySet[Installation]:
    """The installation, where a backup is due and nobody makes one."""
    if settings.BACKUPS is None:
        return Installation.objects.none()
    old = Q(backed_up_at=None) | Q(backed_up_at__lte=now - settings.BACKUP_EVERY)
    free = Q(backup_begun_at=None) | Q(backup_begun_at__lte=now - _CLAIM)
    return Installation.objects.filter(old & free)


def back_up() -> bool:
    """Make the backup that is due, if nobody else does; False where none was made. What hinders is written
    down for the operator, and it is tried again after the claim."""
    now, folder = timezone.now(), settings.BACKUPS
    if folder is None or not due_backups(now).update(backup_begun_at=now):
        return False
    try:
        made = make_backup(folder, seal_of_settings(), keep=settings.BACKUPS_KEPT)
    except Exception as error:
        said = str(error) if isinstance(error, Refused) else f"an error in Rookery ({type(error).__name__})"
        Installation.objects.update(backup_problem=said[:500])
        log.exception("no backup was made")
        return False
    # The next one is due by its own time, whatever the claim says.
    Installation.objects.update(backup_begun_at=None)
    log.info("backup %s: %s rows, %s bytes", made.path.name, made.rows, made.size)
    return True
