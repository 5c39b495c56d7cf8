"""Mail stacks: what a domain's mail should run on, its immutable releases, and how far it has come."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from tenants.models.checks import named, one_of, small


class PublicAddress(models.Model):
    """An address of a host that reaches the Internet, given to one organization.

    As the host itself has it. One domain uses it for mail: ptt serves one domain at ports 25 and 465, and
    receivers judge a domain by the address that its mail comes from.
    """

    share = models.ForeignKey("tenants.HostShare", on_delete=models.CASCADE, related_name="public_addresses")
    host = models.ForeignKey("tenants.Host", on_delete=models.CASCADE, related_name="public_addresses")
    address = models.GenericIPAddressField(protocol="IPv4")

    class Meta:
        verbose_name_plural = "public addresses"
        constraints = [
            models.UniqueConstraint(fields=["host", "address"], name="public_address_given_once"),
        ]

    def __str__(self) -> str:
        return self.address


class Stack(models.Model):
    """The mail of one domain on one host. Its sync target is of a kind of its own: see workers.

    `firewall` is how far the host's firewall is opened for it: what may speak to whom, then the ports of
    mail. One that was taken over (`adopted_at`) keeps what it had until somebody asks for more: the rules of
    others, its records, its rights on the git host. `git_address` is the git host as unikernels reach it, at
    port 22.
    """

    class Wanted(models.TextChoices):
        RUNNING = "running", "should run"
        CANCELLED = "cancelled", "cancelled: what it made is kept, and nothing runs"
        REMOVED = "removed", "being removed"

    class Firewall(models.TextChoices):
        CLOSED = "closed", "closed"
        PREPARED = "prepared", "prepared"
        OPEN = "open", "open for mail"
        OTHERS = "others", "rules of others lead to it"

    domain = models.OneToOneField("tenants.Domain", on_delete=models.PROTECT, related_name="stack")
    share = models.ForeignKey("tenants.HostShare", on_delete=models.PROTECT, related_name="stacks")
    network = models.ForeignKey("tenants.Network", on_delete=models.PROTECT, related_name="stacks")
    public = models.OneToOneField(PublicAddress, on_delete=models.PROTECT, related_name="stack")
    release = models.ForeignKey(
        "tenants.Release",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The one that should run; null only while the stack is being made.",
    )
    submission_host = models.CharField(max_length=253)
    selector = models.CharField(max_length=253, default="s1")
    git_address = models.CharField(max_length=253)
    production = models.BooleanField(
        default=False, help_text="Certificates come from the real CA, not from the one for tests."
    )
    open_relay = models.BooleanField(
        default=False, help_text="Somebody decided to open port 25 although the receiver takes any recipient."
    )
    wanted = models.CharField(max_length=10, choices=Wanted.choices, default=Wanted.RUNNING)
    firewall = models.CharField(max_length=10, choices=Firewall.choices, default=Firewall.CLOSED)
    adopted_at = models.DateTimeField(null=True, help_text="When it was taken over, as it ran.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            small("submission_host", "stack_submission_host_is_in_lower_case"),
            named("selector", "stack_has_a_selector"),
            named("git_address", "stack_has_a_git_address"),
            one_of("stack", "wanted", "running", "cancelled", "removed"),
            one_of("stack", "firewall", "closed", "prepared", "open", "others"),
        ]

    def __str__(self) -> str:
        return f"the mail stack of {self.domain}"


class Release(models.Model):
    """One version of a stack; never changed once it is there.

    `parts` are the roles that run here, in the order in which they start: `{"role", "era", "image", "label",
    "address", "arguments"}` each, with the image's SHA-256 and references in place of secrets. `services`
    are `{role: address}` of what fills a role instead.
    """

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveSmallIntegerField()
    parts = models.JSONField()
    services = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True)
    made_by = models.CharField(max_length=300)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["stack", "number"], name="release_numbered_once"),
            models.CheckConstraint(condition=Q(number__range=(1, 9999)), name="release_number_fits"),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a release is never changed: make another one")
        super().save(*args, **kwargs)

    @property
    def labels(self) -> dict[str, str]:
        """The unikernel of each role that runs here."""
        return {part["role"]: part["label"] for part in self.parts}


class StackSecret(models.Model):
    """What a role is told and nobody else may know, as its argument has it; sealed to the workers.

    Kept beside the unikernel, which has its own copy: the next release gets the same. `public` is the half
    that may be told. Roles that read the same repository share one SSH key, under `users` or `zones`.
    """

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="secrets")
    holder = models.CharField(max_length=20, help_text="A role, or the repository of an SSH key.")
    name = models.CharField(max_length=40)
    sealed_value = models.BinaryField()
    public = models.CharField(max_length=1000, blank=True)
    key = models.ForeignKey(
        "tenants.TsigKey", on_delete=models.SET_NULL, null=True, blank=True, related_name="used_in_stacks"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stack", "holder", "name"], name="stack_secret_named_once"),
            named("holder", "stack_secret_has_a_holder"),
            named("name", "stack_secret_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.holder} {self.name}"


class PhaseRow(models.Model):
    """One step on a way, as a worker found it last; see tenants.formats.stacks.phases."""

    class State(models.TextChoices):
        PENDING = "pending", "not begun"
        DOING = "doing", "at it"
        PROVED = "proved", "proved"
        FAILED = "failed", "failed"
        LEAVING = "leaving", "being taken back"
        GONE = "gone", "taken back"

    name = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=1000, blank=True)
    proof = models.JSONField(default=dict)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was proved, failed or taken back.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often somebody asked for it again.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class StackPhase(PhaseRow):
    """A step on the way from a plan to a stack that serves."""

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="phases")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["stack", "name"], name="phase_once_per_stack"),
            one_of("stack_phase", "state", "pending", "doing", "proved", "failed", "leaving", "gone"),
        ]
