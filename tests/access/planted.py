"""Where secrets are: columns, fields that are sent, fields of forms. Found, so that none is forgotten."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db.models import BinaryField, Field
from django.forms import BaseForm
from django.utils import timezone

from tenants.models import (
    Canary,
    CodeApp,
    FormerPassphrase,
    ImportRow,
    RecoveryCode,
    StackSecret,
    Webhook,
)
from tenants.secrets import Purpose, seal
from tenants.tokens import digest, new_token
from tests.access.stage import Stage

# Whatever is called like a secret is one, unless it is named below.
LOOKS_SECRET = re.compile(
    r"hash|digest|key|secret|seed|passphrase|password|token|sealed|private|code$|answer$"
)
OPEN_COLUMNS = {
    "AddressImport.digest", "Allowance.key", "Event.token", "Export.public_key", "Host.host_key",
    "Host.offered_host_key", "Host.public_key", "HostPreparation.key_fingerprint", "HostSetup.keys",
    "OrganizationImport.digest",
    "Passkey.credential", "Passkey.credential_id", "RecordSet.digest", "Repository.host_key",
    "Repository.offered_host_key", "Repository.public_key", "SecondaryServer.key", "SigningKey.public_key",
    "StackSecret.key", "StoredAnswer.key", "StoredAnswer.token", "SyncTarget.stop_code",
    "TargetDomain.answer", "UnikernelExit.code", "UpdateServer.key_name", "UpdateServer.key_since",
    "WebhookAttempt.answer",
}  # fmt: skip
OPEN_FIELDS = {"key_fingerprint", "token_quota", "with_secrets"}
_LONG = re.compile(rb"[A-Za-z0-9+/=_-]{20,}")


def columns() -> Iterator[tuple[Any, Field[Any, Any]]]:
    """Each column of the database that holds a secret, or what a secret is compared with."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            looks = isinstance(field, BinaryField) or LOOKS_SECRET.search(field.name)
            if looks and f"{model.__name__}.{field.name}" not in OPEN_COLUMNS:
                yield model, field


def secret_fields(form: type[BaseForm]) -> set[str]:
    return {name for name in form.base_fields if LOOKS_SECRET.search(name)} - OPEN_FIELDS


def kept() -> dict[bytes, str]:
    """Each secret in the database, as it could be written somewhere → the column it is from."""
    found: dict[bytes, str] = {}
    for model, field in columns():
        for value in model.objects.values_list(field.name, flat=True):
            for text in _ways_of_writing(value):
                found[text] = f"{model.__name__}.{field.name}"
    return found


def _ways_of_writing(value: Any) -> Iterator[bytes]:
    if not value:
        return
    if isinstance(value, str):
        yield value.encode()
        return
    raw = bytes(value)
    yield from (raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw))


def plant_the_rest(stage: Stage) -> None:
    """A secret in each column that the stage leaves empty."""
    ours, now = stage.ours, timezone.now()
    sealed = {each: seal(Purpose.ARGUMENT, f"canary {each}") for each in range(7)}
    person = stage.people["alice"].actor
    assert person is not None
    CodeApp.objects.create(account=person.account, sealed_seed=sealed[0], begun_at=now)
    RecoveryCode.objects.create(account=person.account, digest=digest(new_token()))
    FormerPassphrase.objects.create(
        event_id=ours.event_id,
        mailbox=ours.mailbox,
        sealed_hash=sealed[1],
        followed_by="another",
        kept_until=now + timedelta(days=1),
    )
    ImportRow.objects.filter(of_import=ours.preview).update(sealed_hash=sealed[2])
    StackSecret.objects.create(stack=ours.halted, holder="relay", name="key", sealed_value=sealed[3])
    Canary.objects.create(stack=ours.halted, local_part="canary", sealed_secret=sealed[4], made_at=now)
    Webhook.objects.update(sealed_former_secret=sealed[5], former_until=now + timedelta(hours=1))


def told_of(secrets: Mapping[bytes, str], content: bytes) -> set[str]:
    """Which columns a text tells a secret of."""
    return {secrets[word] for word in _LONG.findall(content) if word in secrets}
