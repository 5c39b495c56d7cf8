"""Second factors: what somebody proves besides the panel password or the link in their mail."""

from __future__ import annotations

from django.db import models

from tenants.models.accounts import Account
from tenants.models.checks import named


class CodeApp(models.Model):
    """An authenticator app (TOTP). It counts once its first code was typed: `confirmed_at`."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="code_app")
    sealed_seed = models.BinaryField()
    last_step = models.BigIntegerField(
        default=-1, help_text="The time step of the last code that was taken; none before it is again."
    )
    begun_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"authenticator app of {self.account}"


class RecoveryCode(models.Model):
    """One way in for whoever lost their other second factors. Only its digest is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "digest"], name="recovery_code_once_per_account")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.account}"


class Passkey(models.Model):
    """A key pair that a browser, a phone or a stick keeps for this panel; we have the public half."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=100)
    # At most 1023 bytes (WebAuthn §4).
    credential_id = models.BinaryField(max_length=1023, unique=True)
    credential = models.BinaryField(help_text="Id and public key, as WebAuthn §6.5.1 writes them.")
    counter = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [named("name", "passkey_has_a_name")]

    def __str__(self) -> str:
        return f"passkey {self.name} of {self.account}"
