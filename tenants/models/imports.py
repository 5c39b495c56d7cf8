"""Previews of imports: what an uploaded file would do, until it is done or forgotten."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of


class AddressImport(models.Model):
    """A table of addresses that somebody uploaded for a domain, and what it would change, row by row.

    Belongs to the person who uploaded it; goes after its time, whether it was applied or not. `digest`
    names exactly the outcomes that were shown.
    """

    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, related_name="imports")
    account = models.ForeignKey(
        "tenants.Account", on_delete=models.CASCADE, null=True, related_name="imports"
    )
    name = models.CharField(max_length=100, blank=True, help_text="What the file was called.")
    unit = models.CharField(max_length=10, help_text="What its rows are called: line or row.")
    vouched = models.BooleanField(
        help_text="An owner answers for those who get the mail; they are not asked."
    )
    counts = models.JSONField(default=dict, help_text="How many rows have each verdict.")
    questions = models.PositiveIntegerField(default=0, help_text="How many people would be asked by mail.")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    generation = models.BigIntegerField(
        default=0, help_text="Of the relay's sync target; carries the changes."
    )

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"import into {self.domain}"


class ImportRow(models.Model):
    """One row of an import: what it asks for, checked as far as its words go, and what that would do."""

    class Verdict(models.TextChoices):
        CREATE = "create", "new"
        CHANGE = "change", "changed"
        UNCHANGED = "unchanged", "unchanged"
        REFUSED = "refused", "refused"

    of_import = models.ForeignKey(AddressImport, on_delete=models.CASCADE, related_name="rows")
    place = models.PositiveIntegerField(help_text="Its line in a CSV file, or its number in a JSON list.")
    shown = models.CharField(max_length=130, help_text="The address as it was written.")
    local_part = models.CharField(max_length=254, blank=True)
    asked = models.JSONField(default=dict, help_text="Values by column, without secrets; others stay.")
    sealed_hash = models.BinaryField(null=True)
    unreadable = models.JSONField(default=list, help_text="Problems of the row itself.")
    remarks = models.JSONField(default=list, help_text="What is worth knowing: what could not come along.")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    changes = models.JSONField(default=dict, help_text="By what is changed: before and after.")
    problems = models.JSONField(default=list, help_text="Why it is refused: field, problem, fix.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_import", "place"], name="import_row_once"),
            one_of("import_row", "verdict", "create", "change", "unchanged", "refused"),
        ]
        indexes = [models.Index(fields=["of_import", "verdict", "place"])]

    def __str__(self) -> str:
        return f"{self.place}: {self.shown} {self.verdict}"


class OrganizationImport(models.Model):
    """An organization's file that somebody uploaded, and what it would do.

    `content` is the file as it came: sealed to a key that its owner types each time, or without secrets.
    Belongs to the person who uploaded it; goes after its time, and the content once it was applied. `digest`
    names exactly the lines that were shown.
    """

    organization = models.ForeignKey("tenants.Organization", on_delete=models.CASCADE, related_name="imports")
    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=100, blank=True, help_text="What the file was called.")
    content = models.BinaryField(null=True)
    closed = models.BooleanField(help_text="It is sealed: its key is typed each time.")
    vouched = models.BooleanField(
        help_text="An owner answers for those who get the mail; they are not asked."
    )
    people = models.BooleanField(help_text="Its people are let in with their roles.")
    lines = models.JSONField(default=list, help_text="[verdict, thing, why] each.")
    counts = models.JSONField(default=dict, help_text="How many lines have each verdict.")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"import into {self.organization}"
