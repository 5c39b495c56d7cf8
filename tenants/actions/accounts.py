"""Accounts: signing in by a one-time link or a panel password, and keys for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tenants import limits, outbox, tokens
from tenants.actions import token_rows
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actions.sessions import rotate_sessions
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.factors import has_second_factor, require_enough_factors
from tenants.formats.addresses import check_target
from tenants.formats.text import FormatError, check_text, is_whole
from tenants.models import Account, ApiToken, Domain, Organization, SignInLink
from tenants.notices import ACCOUNT_CHANGED

LINK_LIFETIME = timedelta(minutes=30)
FIRST_LINK_LIFETIME = timedelta(hours=24)
# Hashing takes as long as the text is; nobody types more than this.
LONGEST_PASSWORD = 1000
MAX_TOKENS = 100


def sign_in_url(token: str) -> str:
    return f"{settings.BASE_URL}/sign-in/{token}"


def _new_link(account: Account, lifetime: timedelta) -> str:
    token = tokens.new_token()
    SignInLink.objects.create(
        account=account, digest=tokens.digest(token), expires_at=timezone.now() + lifetime
    )
    return token


def first_link(account: Account) -> str:
    """A link that signs in once within a day, for a mail that somebody does not wait for."""
    return sign_in_url(_new_link(account, FIRST_LINK_LIFETIME))


def account_for(email: str) -> Account:
    """The account whose sign-in is `email`, made if there is none. The caller has proof that it is theirs."""
    address = _checked_email(email)
    if address.endswith(f"@{Account.SERVICES}"):
        raise Invalid.of("email", f"{address} is a program's.", "Name a person, or make a key for it.")
    account, made = Account.objects.get_or_create(email=address)
    if made:
        account.set_unusable_password()
        account.save(update_fields=["password"])
    return account


@transaction.atomic
def create_operator(
    *, actor: Actor, email: str, name: str = "", accept_hosted: bool = False
) -> tuple[Account, str]:
    """Make (or promote) an operator and a one-time link for them; returns both. Only Rookery's own shell.

    A sign-in within a domain that is served here is refused unless the risk was accepted: whoever runs that
    domain's mail can read the links that sign in as the operator.
    """
    if not actor.system:
        raise Forbidden("Operators are made at the server's command line: manage.py operator EMAIL.")
    checks = Checks()
    with checks:
        email = check_target(email, field="email").lower()
    with checks:
        name = check_text(name, field="name", maximum=100) if name else ""
    checks.finish()
    if not accept_hosted:
        _require_hosted_elsewhere(email)
    account = account_for(email)
    if not account.is_staff:
        rotate_sessions(account)
    Account.objects.filter(pk=account.pk).update(is_staff=True, name=name or account.name)
    account.refresh_from_db()
    link = first_link(account)
    record(actor, "create_operator", account.email, f"{account.email} became an operator of this Rookery.")
    return account, link


def _require_hosted_elsewhere(email: str) -> None:
    domain = Domain.objects.filter(name=email.rpartition("@")[2]).select_related("organization").first()
    if domain is not None:
        raise Invalid.of(
            "email",
            f"The mail of {domain} is run here, by {domain.organization}: who runs it could read the links"
            " that sign in as this operator, and while it is broken nobody gets one.",
            "Choose an address at another place, or say that you accept this (--accept-hosted).",
        )


def ask_for_sign_in_link(*, actor: Actor, email: str) -> None:
    """Mail a one-time link. The answer is the same whether there is such an account or not.

    Limited for each network and each address, known or not.
    """
    email = _checked_email(email)
    # Counted before the transaction, so that it stays counted.
    limits.spend(limits.LINKS_PER_NETWORK, limits.network_of(actor.ip))
    limits.spend(limits.LINKS_PER_ADDRESS, email)
    _mail_sign_in_link(actor, email)


def _checked_email(email: str) -> str:
    with Checks() as checks:
        email = check_target(email, field="email").lower()
    checks.finish()
    return email


@transaction.atomic
def _mail_sign_in_link(actor: Actor, email: str) -> None:
    account = Account.objects.filter(email=email, is_active=True, is_service=False).first()
    if account is not None:
        _write_link(actor, account)
        return
    # Whoever measures how long this takes must not learn that there is nobody: the same is written, taken
    # back, and hinted at.
    with transaction.atomic():
        _write_link(actor, Account(pk=0, email=email))
        transaction.set_rollback(True)
    outbox.hint_on_commit("deliver_mail", 0, "mail")


def _write_link(actor: Actor, account: Account) -> None:
    token = _new_link(account, LINK_LIFETIME)
    owe_mail(
        recipient=account.email,
        subject=_("Your link to sign in to Rookery"),
        body=(
            _(
                "Hello,\n\nsomebody, probably you, asked to sign in to Rookery with this "
                "address. Open this page and press the button:\n\n%(sign_in_url)s\n\nThe link "
                "works once, for 30 minutes. If it was not you, do nothing."
            )
            % {"sign_in_url": sign_in_url(token)}
        ),
    )
    record(actor, "ask_for_sign_in_link", account.email, f"A sign-in link was sent to {account.email}.")


@transaction.atomic
def redeem_sign_in_link(*, actor: Actor, token: str) -> Account:
    """Use up a one-time link and return its account; raises Absent for a used, old or unknown one.

    This is a first step: whoever has a second factor is not signed in by it.
    """
    now = timezone.now()
    link = (
        SignInLink.objects.select_related("account")
        .filter(digest=tokens.digest(token), expires_at__gt=now, account__is_active=True)
        .first()
    )
    if link is None or not SignInLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now):
        raise Absent
    record_first_step(actor, link.account, "by a one-time link")
    return link.account


def record_first_step(actor: Actor, account: Account, how: str) -> None:
    """Write that somebody signed in, or, where a second step is to come, that they passed the first."""
    only_half = has_second_factor(account)
    sentence = (
        f"{account.email} passed the first step of signing in" if only_half else f"{account.email} signed in"
    )
    verb = "pass_first_step" if only_half else "sign_in"
    record(replace(actor, account=account), verb, account.email, f"{sentence} {how}.")


@transaction.atomic
def set_panel_password(*, actor: Actor, password: str) -> None:
    """Give the actor's own account a password for the panel (never a mailbox's passphrase).

    All other sessions of the account end with it, and its holder is told by mail.
    """
    account = own_account(actor)
    lock(account)
    with Checks() as checks:
        _check_password(password)
    checks.finish()
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Invalid(Problem("password", sentence) for sentence in error.messages) from error
    had_one = account.has_usable_password()
    account.set_password(password)
    account.save(update_fields=["password"])
    word = "changed" if had_one else "set"
    record(
        actor,
        "set_panel_password",
        account.email,
        f"{account.email} {word} the panel password.",
        before={"password": "set" if had_one else "none"},
        after={"password": "changed" if had_one else "set"},
    )
    values = {"email": account.email}
    if had_one:
        subject = _("Your panel password was changed")
        what = _("the panel password of %(email)s was changed") % values
    else:
        subject = _("Your panel password was set")
        what = _("the panel password of %(email)s was set") % values
    warn(actor, account, subject, what)


def _check_password(password: str) -> None:
    if len(password) > LONGEST_PASSWORD:
        raise FormatError(
            "password",
            f"The password has {len(password)} characters; at most {LONGEST_PASSWORD} are read.",
            "Choose a shorter one.",
        )
    if not is_whole(password):
        raise FormatError("password", "The password contains half of a broken character.", "Type it again.")


@transaction.atomic
def create_token(
    *,
    actor: Actor,
    name: str,
    organization: Organization | None = None,
    domain: Domain | None = None,
    kinds: Sequence[str] = (),
    verbs: Sequence[str] = (),
    networks: Sequence[str] = (),
    read_only: bool = False,
    days: int | None = 90,
    idle_days: int | None = None,
) -> tuple[ApiToken, str]:
    """Make a key for a program that acts as the actor; returns the row and the key, which is shown once.

    It may what its account may, narrowed to an organization, one domain, kinds of things, verbs, and the
    networks that it is used from; nothing given narrows nothing. It ends after `days`, and when nobody used
    it for `idle_days`. Its holder is told by mail, which does not hold the key.
    """
    account = own_account(actor)
    lock(account)
    require_enough_factors(account)
    wish = token_rows.checked(
        actor,
        token_rows.Wish(
            name=name,
            organization=organization,
            domain=domain,
            kinds=kinds,
            verbs=verbs,
            networks=networks,
            read_only=read_only,
            days=days,
            idle_days=idle_days,
        ),
    )
    if account.tokens.count() >= MAX_TOKENS:
        raise Conflict(f"You have {MAX_TOKENS} keys for programs. Revoke one that nobody uses first.")
    row, key = token_rows.make(account, wish)
    record(
        actor,
        "create_token",
        row.name,
        f"{account.email} made the API token “{row.name}”.",
        organization=organization,
        after=token_rows.told(row),
    )
    around = "" if domain or organization else _(" that you may")
    warn(
        actor,
        account,
        _("A key for a program was made"),
        _("the key “%(name)s” was made for %(email)s. A program that has it may %(may_what)s%(around)s")
        % {"name": row.name, "email": account.email, "may_what": token_rows.may_what(wish), "around": around},
    )
    return row, key


def warn(actor: Actor, account: Account, subject: str, what: str) -> None:
    """Tell somebody what was done with their account, so that they notice if it was not them."""
    values = {
        "what": what,
        "where": _(" from %(address)s") % {"address": actor.ip} if actor.ip else "",
        "when": date_format(timezone.localtime(), "d F Y, H:i T"),
        "page": f"{settings.BASE_URL}/account",
    }

    def mail(_account: Account) -> Letter:
        body = _(
            "Hello,\n\n%(what)s%(where)s, on %(when)s.\n\nIf that was you, there is nothing to do. If it was"
            " not, somebody else is in your account: sign in by a link, set another panel password (this"
            " signs everybody else out) and revoke the keys that you do not know:\n\n%(page)s"
        )
        return Letter(subject, body % values)

    notify(ACCOUNT_CHANGED, About("/account"), line=lambda: subject, mail=mail, people=[account])


@transaction.atomic
def revoke_token(*, actor: Actor, token_id: int) -> None:
    """Make one of the actor's own keys useless, at once."""
    account = own_account(actor)
    row = ApiToken.objects.select_for_update().filter(pk=token_id, account=account).first()
    if row is None:
        raise Absent
    row.delete()
    record(
        actor,
        "revoke_token",
        row.name,
        f"{account.email} revoked the API token “{row.name}”.",
        organization=row.organization,
        before=token_rows.told(row),
    )


def own_account(actor: Actor) -> Account:
    """The account of a person at the panel; a program's token has no say over how its person signs in."""
    if actor.account is None:
        raise Absent
    if actor.token:
        raise Forbidden("A program's token cannot change how its person signs in. Sign in to the panel.")
    return actor.account


final("Signing in changes nothing. Sign out to end it.", "sign_in", "pass_first_step", "ask_for_sign_in_link")
final("The panel password before is not kept. Set another one.", "set_panel_password")
final("The key was shown and may be in use. Revoke it instead.", "create_token")
final("A key that was revoked stays useless. Make a new one.", "revoke_token")
final("Operators are made and unmade at the server's command line only.", "create_operator")
