"""The form of a blueprint: what people choose for a mail stack, role by role."""

from __future__ import annotations

from typing import Any

from django import forms

from panel.web.fields import Typed, plain_input
from tenants.actions.blueprints import Choices
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era
from tenants.formats.text import printable
from tenants.image_roles import IMAGE_ROLES
from tenants.models import HostShare, Image

ERAS = frozenset(each.value for each in Era)


class BlueprintForm(forms.Form):
    """`image_<role>` is an image, or empty for a service at `service_<role>`."""

    network = forms.ChoiceField(label="Network", help_text="Each role gets the next free address of it.")
    public = forms.ChoiceField(
        label="Public address",
        help_text="For ports 25 and 465, and mail leaves from there: one address serves one domain.",
    )
    production = forms.ChoiceField(
        label="Certificates",
        choices=[
            ("staging", "From Let's Encrypt's staging: to try it out; no mail program trusts them"),
            ("production", "From Let's Encrypt: real ones, of which a domain gets few in a week"),
        ],
        initial="staging",
        widget=forms.RadioSelect,
    )
    open_relay = forms.BooleanField(
        label="Open port 25 although the receiver takes mail for any recipient, and delivers it",
        required=False,
        help_text="Without this no mail comes in until there is a guard in front, or somebody decides so.",
    )
    submission_host = Typed(
        label="Name of the submission server",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="What mail programs connect to, on port 465.",
    )
    selector = Typed(
        label="DKIM selector",
        initial="s1",
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="Under this name the key of the signatures is published.",
    )
    git_address = Typed(
        label="Address of the git host",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="As unikernels reach it, at port 22. Left empty: as Rookery does, or the host itself.",
    )

    def __init__(self, data: Any = None, *, share: HostShare, images: list[Image], name: str) -> None:
        super().__init__(data)
        self.share = share
        self.networks = {str(each.pk): each for each in share.networks.order_by("bridge")}
        self.publics = {
            str(each.pk): each for each in share.public_addresses.filter(stack=None).order_by("pk")
        }
        self.images = {str(each.pk): each for each in images}
        self._choose("network", self.networks)
        self._choose("public", self.publics)
        self.fields["submission_host"].widget.attrs["placeholder"] = name
        for role in ROLES:
            fitting, others = by_fit(images, role)
            choices = [("", "a service that is there already")]
            choices += [(str(each.pk), image_told(each)) for each in (*fitting, *others)]
            field = self.fields[f"image_{role}"]
            field.choices = choices  # type: ignore[attr-defined]
            field.initial = str(fitting[0].pk) if fitting else ""

    def _choose(self, field: str, rows: dict[str, Any]) -> None:
        self.fields[field].choices = [(key, str(row)) for key, row in rows.items()]  # type: ignore[attr-defined]

    @property
    def common(self) -> list[forms.BoundField]:
        return [self[name] for name in ("network", "public", "production", "open_relay")]

    @property
    def roles(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"image_{role}"], self[f"service_{role}"]) for role in ROLES]

    @property
    def details(self) -> list[forms.BoundField]:
        return [self[name] for name in ("submission_host", "selector", "git_address")]

    @property
    def typed_in(self) -> dict[str, str]:
        """A role's problems belong to its image, or to the service that was typed instead."""
        typed = {
            role for role in ROLES if self.data.get(f"service_{role}") and not self.data.get(f"image_{role}")
        }
        return {role: f"{'service' if role in typed else 'image'}_{role}" for role in ROLES}

    def choices(self) -> Choices:
        """What was filled in, as the actions take it."""
        given = self.cleaned_data
        chosen = {role: given[f"image_{role}"] for role in ROLES}
        return Choices(
            share=self.share,
            network=self.networks[given["network"]],
            public=self.publics[given["public"]],
            images={role: self.images[pk] for role, pk in chosen.items() if pk},
            services={role: given[f"service_{role}"] for role, pk in chosen.items() if not pk},
            submission_host=given["submission_host"],
            selector=given["selector"],
            git_address=given["git_address"],
            production=given["production"] == "production",
            open_relay=given["open_relay"],
        )


for _role, _about in ROLES.items():
    BlueprintForm.base_fields[f"image_{_role}"] = forms.ChoiceField(
        label=_about.title[0].upper() + _about.title[1:], required=False, help_text=f"It {_about.does}."
    )
    BlueprintForm.base_fields[f"service_{_role}"] = Typed(
        label=f"Address of that {_about.title}",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="15", autocomplete="off"),
    )


def by_fit(images: list[Image], role: str) -> tuple[list[Image], list[Image]]:
    """Those that are of this role and of a known generation, and the others."""
    fitting = [each for each in images if each.role == IMAGE_ROLES[role] and each.era in ERAS]
    return fitting, [each for each in images if each not in fitting]


def image_told(image: Image) -> str:
    """An image as a choice."""
    era = printable(image.era, 20) if image.era else "generation not said"
    return f"{image.name} ({era}, {image.short_digest})"
