"""Where secrets are: columns, fields that are sent, fields of forms. Found, so that none is forgotten."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.db.models import BinaryField, Field
from django.forms import BaseForm
from django.utils import timezone

from tenants.keys import WorkersKeys
from tenants.models import (
    Canary,
    CodeApp,
    FormerPassphrase,
    ImportRow,
    Mailbox,
    RecoveryCode,
    StackSecret,
    Webhook,
)
from tenants.secrets import CannotOpen, Opener, Purpose, seal
from tenants.tokens import digest, new_token
from tenants.web_seals import open_seed, seal_seed
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
# Of what is opened, shorter lines say nothing.
_SHORTEST = 12
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# The web process has none; this is for looking as a worker does.
WORKERS = WorkersKeys(settings.WORKERS_KEY, settings.WORKERS_FORMER_KEYS, settings.WORKERS_MARKS)


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


def opened() -> dict[bytes, str]:
    """The same of what is sealed, as a worker reads it."""
    opener, found = Opener(WORKERS), {}
    for model, field in columns():
        if not isinstance(field, BinaryField):
            continue
        for value in model.objects.exclude(**{field.name: None}).values_list(field.name, flat=True):
            for clear in _clear_texts(opener, bytes(value)):
                for text in _ways_of_writing(clear):
                    found[text] = f"{model.__name__}.{field.name}, opened"
    for app in CodeApp.objects.all():
        seed = base64.b32encode(open_seed(app.account_id, bytes(app.sealed_seed))).rstrip(b"=")
        found[seed] = "CodeApp.sealed_seed, opened"
    return found


def _clear_texts(opener: Opener, sealed: bytes) -> Iterator[str]:
    """Its lines, of a mail the tokens of its links; nothing where it is not sealed to the workers."""
    for purpose in Purpose:
        with suppress(CannotOpen):
            clear = opener.open(purpose, sealed)
            if purpose is Purpose.MAIL_BODY:
                yield from _TOKEN.findall(clear)
                continue
            lines = clear.splitlines()
            yield from (line for line in lines if len(line) >= _SHORTEST and not line.startswith("-----"))


def _ways_of_writing(value: Any) -> Iterator[bytes]:
    if not value:
        return
    if isinstance(value, str):
        yield value.encode()
        yield quote(value, safe="").encode()
    raw = value.encode() if isinstance(value, str) else bytes(value)
    for code in (base64.b64encode, base64.urlsafe_b64encode):
        yield code(raw).rstrip(b"=")
    yield from (raw.hex().encode(), raw.hex().upper().encode())


def plant_the_rest(stage: Stage) -> None:
    """A secret in each column that the stage leaves empty."""
    ours, now = stage.ours, timezone.now()
    sealed = {each: seal(Purpose.ARGUMENT, f"a stored canary, number {each}") for each in range(6)}
    person = stage.people["alice"].actor
    assert person is not None
    seed = seal_seed(person.account.pk, b"a stored canary seed")
    CodeApp.objects.create(account=person.account, sealed_seed=seed, begun_at=now)
    RecoveryCode.objects.create(account=person.account, digest=digest(new_token()))
    FormerPassphrase.objects.create(
        event_id=ours.event_id,
        mailbox=ours.mailbox,
        sealed_hash=sealed[1],
        followed_by="another",
        kept_until=now + timedelta(days=1),
    )
    Mailbox.objects.filter(pk=ours.mailbox.pk).update(sealed_hash=sealed[0])
    ImportRow.objects.filter(of_import=ours.preview).update(sealed_hash=sealed[2])
    StackSecret.objects.create(stack=ours.halted, holder="relay", name="key", sealed_value=sealed[3])
    Canary.objects.create(stack=ours.halted, local_part="canary", sealed_secret=sealed[4], made_at=now)
    Webhook.objects.update(sealed_former_secret=sealed[5], former_until=now + timedelta(hours=1))


def told_of(secrets: Mapping[bytes, str], content: bytes) -> set[str]:
    """Which columns a text tells a secret of."""
    return {column for secret, column in secrets.items() if secret in content}
