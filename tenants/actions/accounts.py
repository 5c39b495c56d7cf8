"""Accounts: signing in by a one-time link or a panel password, and keys for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from tenants import access, limits, token_scopes, tokens
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import FormatError, check_name, check_text, is_whole
from tenants.models import Account, ApiToken, Domain, Organization, SignInLink

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
    account = Account.objects.filter(email=email, is_active=True).first()
    if account is None:
        return
    token = _new_link(account, LINK_LIFETIME)
    owe_mail(
        recipient=account.email,
        subject="Your link to sign in to Rookery",
        body=(
            "Hello,\n\nsomebody, probably you, asked to sign in to Rookery with this address."
            f" Open this page and press the button:\n\n{sign_in_url(token)}\n\n"
            "The link works once, for 30 minutes. If it was not you, do nothing."
        ),
    )
    record(actor, "ask_for_sign_in_link", account.email, f"A sign-in link was sent to {account.email}.")


@transaction.atomic
def redeem_sign_in_link(*, actor: Actor, token: str) -> Account:
    """Use up a one-time link and return its account; raises Absent for a used, old or unknown one."""
    now = timezone.now()
    link = (
        SignInLink.objects.select_related("account")
        .filter(digest=tokens.digest(token), expires_at__gt=now, account__is_active=True)
        .first()
    )
    if link is None or not SignInLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now):
        raise Absent
    record(
        Actor(account=link.account, via=actor.via, ip=actor.ip, request_id=actor.request_id),
        "sign_in",
        link.account.email,
        f"{link.account.email} signed in by a one-time link.",
    )
    return link.account


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
    _warn(
        actor, account, f"Your panel password was {word}", f"the panel password of {account.email} was {word}"
    )


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
) -> tuple[ApiToken, str]:
    """Make a key for a program that acts as the actor; returns the row and the key, which is shown once.

    It may what its account may, narrowed to an organization, one domain, kinds of things, verbs, and the
    networks that it is used from; nothing given narrows nothing. Its holder is told by mail, which does not
    hold the key.
    """
    account = own_account(actor)
    lock(account)
    checks = Checks()
    with checks:
        name = check_name(name, field="name", maximum=100)
    if days is not None and not 1 <= days <= 366:
        checks.problems.append(Problem("days", f"{days} days is not possible.", "Choose 1 to 366, or never."))
    checks.problems += token_scopes.problems_of(kinds=kinds, verbs=verbs)
    with checks:
        networks = token_scopes.check_networks(networks)
    checks.finish()
    if organization is not None:
        access.require(actor, access.Verb.VIEW, organization)
    if domain is not None:
        access.require(actor, access.Verb.VIEW, domain)
        if organization is not None and domain.organization_id != organization.pk:
            raise Invalid.of("domain", f"{domain} is not in {organization}.", "Name the domain alone.")
    if account.tokens.count() >= MAX_TOKENS:
        raise Conflict(f"You have {MAX_TOKENS} keys for programs. Revoke one that nobody uses first.")
    key = tokens.new_token(ApiToken.PREFIX)
    row = ApiToken.objects.create(
        account=account,
        organization=organization,
        domain=domain,
        kinds=sorted(set(kinds)),
        verbs=sorted(set(verbs)),
        networks=networks,
        name=name,
        digest=tokens.digest(key),
        hint=key[:8],
        read_only=read_only,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    record(
        actor,
        "create_token",
        row.name,
        f"{account.email} made the API token “{row.name}”.",
        organization=organization,
        after=_told(row),
    )
    where = f"in {domain or organization}" if domain or organization else "everywhere that you may"
    what = "read" if read_only else "read and write"
    if kinds:
        what += f" {', '.join(token_scopes.MANY[kind] for kind in row.kinds)}"
    _warn(
        actor,
        account,
        "A key for a program was made",
        f"the key “{row.name}” was made for {account.email}. A program that has it may {what} {where}",
    )
    return row, key


def _warn(actor: Actor, account: Account, subject: str, what: str) -> None:
    """Tell somebody what was done with their account, so that they notice if it was not them."""
    where = f" from {actor.ip}" if actor.ip else ""
    owe_mail(
        recipient=account.email,
        subject=subject,
        body=(
            f"Hello,\n\n{what}{where}, on {timezone.localtime():%d %B %Y at %H:%M %Z}.\n\n"
            "If that was you, there is nothing to do. If it was not, somebody else is in your account:"
            " sign in by a link, set another panel password (this signs everybody else out) and revoke the"
            f" keys that you do not know:\n\n{settings.BASE_URL}/account"
        ),
    )


def _told(row: ApiToken) -> dict[str, Any]:
    """What the audit log may know of a key."""
    return {
        "hint": row.hint,
        "read_only": row.read_only,
        "domain": str(row.domain) if row.domain else None,
        "kinds": row.kinds,
        "verbs": row.verbs,
        "networks": row.networks,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }


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
        before=_told(row),
    )


def own_account(actor: Actor) -> Account:
    """The account of a person at the panel; a program's token has no say over how its person signs in."""
    if actor.account is None:
        raise Absent
    if actor.token:
        raise Forbidden("A program's token cannot change how its person signs in. Sign in to the panel.")
    return actor.account


def find_token(key: str, ip: str | None = None) -> ApiToken | None:
    """The live token with this key, or nothing: also where it is used from elsewhere than it may.

    Its last use is noted at most once a minute.
    """
    now = timezone.now()
    row = (
        ApiToken.objects.select_related("account")
        .filter(digest=tokens.digest(key), account__is_active=True)
        .first()
    )
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if not token_scopes.is_allowed_from(row.networks, ip):
        return None
    if row.last_used_at is None or now - row.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


final("Signing in changes nothing. Sign out to end it.", "sign_in", "ask_for_sign_in_link")
final("The panel password before is not kept. Set another one.", "set_panel_password")
final("The key was shown and may be in use. Revoke it instead.", "create_token")
final("A key that was revoked stays useless. Make a new one.", "revoke_token")
final("Operators are made and unmade at the server's command line only.", "create_operator")
