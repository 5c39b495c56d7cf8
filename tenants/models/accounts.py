"""People's sign-ins to the panel. Never the password of a mailbox: that one belongs to mail programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from tenants.models.checks import named, small


class AccountManager(BaseUserManager["Account"]):
    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(email=(username or "").strip().lower())


class Account(AbstractBaseUser):
    """A person. `is_staff` makes an operator of this Rookery, who stands outside organizations.

    With `is_service` it is none, but a program of an organization (see tenants.actions.service_tokens).
    """

    # Where the addresses of programs are: nowhere (RFC 2606, section 2).
    SERVICES = "programs.invalid"

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_service = models.BooleanField(default=False, help_text="A program: nobody can sign in as it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [small("email", "sign_in_is_in_lower_case")]

    def __str__(self) -> str:
        return self.name or self.email


class SignInLink(models.Model):
    """A link that signs in once. Only its digest is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"link for {self.account}"


class ApiToken(models.Model):
    """A program's key. The key is shown once; its digest is kept."""

    PREFIX = "rk_"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    organization = models.ForeignKey(
        "tenants.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="Where the token may act; everywhere that its account may when empty.",
    )
    domain = models.ForeignKey(
        "tenants.Domain",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="The only domain that the token knows; all of them when empty.",
    )
    kinds = models.JSONField(default=list, help_text="The kinds of things that it knows; all when empty.")
    verbs = models.JSONField(default=list, help_text="What it may do to them besides seeing; all when empty.")
    networks = models.JSONField(default=list, help_text="Where it may be used from; anywhere when empty.")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="The first characters, to recognise it by.")
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    idle_days = models.PositiveSmallIntegerField(
        null=True, help_text="It ends when nobody used it for so many days; never by that when empty."
    )

    class Meta:
        constraints = [named("name", "token_has_a_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def idle_ends_at(self) -> datetime | None:
        """When it ends unless somebody uses it before."""
        if self.idle_days is None:
            return None
        return (self.last_used_at or self.created_at) + timedelta(days=self.idle_days)
