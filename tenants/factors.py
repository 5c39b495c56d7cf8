"""Which second factors somebody has: read by whoever signs somebody in, shows or guards it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from tenants import access
from tenants.errors import FactorNeeded
from tenants.models import Account, CodeApp, DomainRole, Membership, Passkey


@dataclass(frozen=True)
class Factors:
    """The second factors of one account. Recovery codes stand in for a lost one; alone they are none."""

    app: CodeApp | None
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    def __bool__(self) -> bool:
        """Whether signing in needs a second step."""
        return self.app is not None or bool(self.passkeys)

    def __str__(self) -> str:
        if not self:
            return "no second factor"
        left = self.recovery_codes_left
        many = len(self.passkeys)
        kinds = ["an authenticator app"] if self.app is not None else []
        kinds += [f"{many} passkey{'' if many == 1 else 's'}"] if many else []
        return f"{' and '.join(kinds)}, and {left or 'no'} recovery code{'' if left == 1 else 's'} left"

    @property
    def kinds(self) -> tuple[str, ...]:
        """What may be typed or touched at the second step."""
        app = ("app",) if self.app is not None else ()
        return (*app, "passkey") if self.passkeys else app


def factors_of(account: Account) -> Factors:
    app = CodeApp.objects.filter(account=account, confirmed_at__isnull=False).first()
    left = account.recovery_codes.filter(used_at=None).count()
    keys = tuple(account.passkeys.order_by("pk"))
    return Factors(app=app, passkeys=keys, recovery_codes_left=left)


def has_second_factor(account: Account) -> bool:
    has_app = CodeApp.objects.filter(account=account, confirmed_at__isnull=False).exists()
    return has_app or account.passkeys.exists()


def who_requires(account: Account) -> str:
    """Who asks that this person has a second factor, in words; "" where nobody does.

    A program has none; whoever made its key had.
    """
    if account.is_service:
        return ""
    if account.is_staff and settings.STAFF_SECOND_FACTOR:
        return "this Rookery, of its operators"
    belongs = Membership.objects.filter(account=account, organization__second_factor_required=True)
    belongs = belongs.order_by("organization__name")
    name = belongs.values_list("organization__name", flat=True).first() or ""
    if name or not access.has_domain_roles(account):
        return name
    helps = DomainRole.objects.filter(account=account, domain__organization__second_factor_required=True)
    helps = helps.order_by("domain__organization__name")
    return helps.values_list("domain__organization__name", flat=True).first() or ""


def lacking_for(account: Account) -> str:
    """Who asks for a second factor that this person does not have; "" where nothing is missing."""
    required_by = who_requires(account)
    return "" if not required_by or has_second_factor(account) else required_by


def require_enough_factors(account: Account) -> None:
    """Raise FactorNeeded while this person lacks a second factor that they must have."""
    required_by = lacking_for(account)
    if required_by:
        raise FactorNeeded(
            f"A second factor is asked for by {required_by}, and you have none. Set one up in the panel, on"
            " the page of your account; nothing else works before."
        )
