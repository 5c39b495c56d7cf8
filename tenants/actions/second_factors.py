"""Second factors of one's own account: an authenticator app, and recovery codes for the day it is lost."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.actions.accounts import own_account, warn
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.sessions import end_sessions
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.factors import factors_of, has_second_factor
from tenants.formats import one_time_codes
from tenants.models import Account, CodeApp, RecoveryCode
from tenants.web_seals import CannotOpenSeed, open_seed, seal_seed

# How long a seed that was shown waits for its first code.
ENROL_WITHIN = timedelta(minutes=30)


def wrong_code(field: str = "code") -> Invalid:
    return Invalid.of(
        field,
        "This code is not right, or it was used already.",
        "Type the one that the app shows now; each works once.",
    )


def pending_seed(account: Account) -> bytes | None:
    """The seed of an app that is being set up, for the page that shows it to its person."""
    row = CodeApp.objects.filter(
        account=account, confirmed_at=None, begun_at__gt=timezone.now() - ENROL_WITHIN
    ).first()
    return open_seed(account.pk, bytes(row.sealed_seed)) if row is not None else None


@transaction.atomic
def begin_code_app(*, actor: Actor) -> bytes:
    """Begin to set up an authenticator app; returns its seed. It counts once its first code was typed."""
    account = own_account(actor)
    lock(account)
    seed = one_time_codes.new_seed()
    begun = {"sealed_seed": seal_seed(account.pk, seed), "begun_at": timezone.now()}
    row, made = CodeApp.objects.get_or_create(account=account, defaults=begun)
    if row.confirmed_at is not None:
        raise Conflict("You have an authenticator app. Remove it first, then set up another one.")
    if not made:
        CodeApp.objects.filter(pk=row.pk).update(**begun)
    record(actor, "begin_code_app", account.email, f"{account.email} began to set up an authenticator app.")
    return seed


@transaction.atomic
def confirm_code_app(*, actor: Actor, code: str) -> list[str]:
    """Take an app into use by its first code. Returns new recovery codes, or none where some are left."""
    account = own_account(actor)
    lock(account)
    row = CodeApp.objects.filter(account=account, confirmed_at=None).first()
    now = timezone.now()
    if row is None or row.begun_at <= now - ENROL_WITHIN:
        raise Conflict("No authenticator app is being set up, or it took too long. Begin again.")
    step = _matching(row, code)
    if step is None:
        raise wrong_code()
    CodeApp.objects.filter(pk=row.pk).update(last_step=step, confirmed_at=now)
    end_sessions(account)
    record(
        actor,
        "confirm_code_app",
        account.email,
        f"{account.email} set up an authenticator app as second factor.",
        after={"authenticator app": "set up"},
    )
    warn(
        actor,
        account,
        _("An authenticator app was set up"),
        _("an authenticator app was set up for %(email)s. Signing in needs one of its codes from now on")
        % {"email": account.email},
    )
    return new_codes_where_none(account)


def new_codes_where_none(account: Account) -> list[str]:
    """New recovery codes for whoever has a second factor and no code left."""
    return [] if factors_of(account).recovery_codes_left else _new_codes(account)


def _matching(row: CodeApp, code: str) -> int | None:
    seed = open_seed(row.account_id, bytes(row.sealed_seed))
    now = timezone.now().timestamp()
    return one_time_codes.matching_step(seed, code, now=now, last_step=row.last_step)


@transaction.atomic
def remove_code_app(*, actor: Actor) -> None:
    """Sign in without the app from now on. With the last second factor the recovery codes go, too."""
    account = own_account(actor)
    lock(account)
    removed, _each = CodeApp.objects.filter(account=account, confirmed_at__isnull=False).delete()
    if not removed:
        raise Absent
    end_sessions(account)
    record(
        actor,
        "remove_code_app",
        account.email,
        f"{account.email} removed the authenticator app.",
        before={"authenticator app": "set up"},
        after={"authenticator app": "none"},
    )
    after_removal(account)
    warn(
        actor,
        account,
        _("The authenticator app was removed"),
        _("the authenticator app of %(email)s was removed") % {"email": account.email},
    )


@transaction.atomic
def forget_second_factors(*, actor: Actor, email: str) -> Account:
    """Remove every second factor of somebody who lost them all. Only Rookery's own shell; they are told."""
    if not actor.system:
        raise Forbidden("Second factors of others are removed at the server's command line only.")
    account = Account.objects.filter(email=email.strip().lower()).first()
    if account is None:
        raise Absent
    lock(account)
    CodeApp.objects.filter(account=account).delete()
    account.passkeys.all().delete()
    account.recovery_codes.all().delete()
    end_sessions(account)
    record(
        actor,
        "forget_second_factors",
        account.email,
        f"The second factors of {account.email} were removed at the server's command line.",
    )
    warn(
        actor,
        account,
        _("Your second factors were removed"),
        _("whoever runs this Rookery removed the second factors of %(email)s, as if you had lost them")
        % {"email": account.email},
    )
    return account


def after_removal(account: Account) -> None:
    """Recovery codes stand in for a second factor; where there is none they would be one by themselves."""
    if not has_second_factor(account):
        account.recovery_codes.all().delete()


@transaction.atomic
def renew_recovery_codes(*, actor: Actor) -> list[str]:
    """Make ten new recovery codes, which are shown once. Those before stop working."""
    account = own_account(actor)
    lock(account)
    if not has_second_factor(account):
        raise Conflict("Recovery codes stand in for a second factor. Set one up first.")
    codes = _new_codes(account)
    record(
        actor, "renew_recovery_codes", account.email, f"{account.email} made new recovery codes.", after={}
    )
    warn(
        actor,
        account,
        _("New recovery codes were made"),
        _("new recovery codes were made for %(email)s. Those before do not work any more")
        % {"email": account.email},
    )
    return codes


def _new_codes(account: Account) -> list[str]:
    codes = one_time_codes.new_recovery_codes()
    account.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(account=account, digest=one_time_codes.recovery_digest(code)) for code in codes
    )
    return codes


def take_code(account: Account, code: str) -> str:
    """Use up a code; returns what it was of, or "" where it is not right. Two at once: one is taken.

    Raises Conflict where the app's seed cannot be read any more.
    """
    now = timezone.now()
    digest = one_time_codes.recovery_digest(code)
    if account.recovery_codes.filter(digest=digest, used_at=None).update(used_at=now):
        return "a recovery code"
    row = CodeApp.objects.filter(account=account, confirmed_at__isnull=False).first()
    if row is None:
        return ""
    try:
        step = _matching(row, code)
    except CannotOpenSeed as error:
        raise Conflict(
            "This panel's own secret was changed, so it cannot check your authenticator app any more."
            " Type a recovery code, then remove the app and set it up anew."
        ) from error
    if step is None:
        return ""
    unused = CodeApp.objects.filter(pk=row.pk, last_step__lt=step)
    return "the authenticator app" if unused.update(last_step=step, last_used_at=now) else ""


final("Setting it up is finished by a code, or forgotten.", "begin_code_app")
final("Remove the authenticator app on the page of your account.", "confirm_code_app")
final("Set the authenticator app up again.", "remove_code_app")
final("They can be set up again.", "forget_second_factors")
final("Recovery codes that were replaced stay useless.", "renew_recovery_codes")
