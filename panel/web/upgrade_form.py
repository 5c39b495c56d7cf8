"""The forms of an upgrade: another image for some roles, or an earlier release."""

from __future__ import annotations

from typing import Any

from django import forms

from panel.web.fields import Typed, plain_input
from panel.web.stack_form import ERAS, by_fit, image_told
from tenants.actions import upgrades
from tenants.actions.upgrade_blueprints import UpgradeBlueprint, preview_upgrade
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Image, Release, Stack, Upgrade


class UpgradeForm(forms.Form):
    """`image_<role>` is another image, or empty to keep what runs."""

    note = Typed(
        label="Why",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength=str(upgrades.LONGEST_NOTE), autocomplete="off"),
        help_text="For those who read the releases later; the history keeps it, too.",
    )

    def __init__(self, data: Any = None, *, stack: Stack, images: list[Image]) -> None:
        super().__init__(data)
        assert stack.release is not None  # noqa: S101 - the page asked
        self.stack, self.images = stack, {str(each.pk): each for each in images}
        self.names = [part["role"] for part in stack.release.parts]
        for part in stack.release.parts:
            role = part["role"]
            others = [each for each in images if each.sha256 != part["image"] and each.era in ERAS]
            fitting, rest = by_fit(others, role)
            kept = f"as it is ({part['era']}, {part['image'][:12]})"
            title = ROLES[role].title
            self.fields[f"image_{role}"] = forms.ChoiceField(
                label=title[0].upper() + title[1:],
                required=False,
                choices=[("", kept), *((str(each.pk), image_told(each)) for each in (*fitting, *rest))],
            )

    @property
    def roles(self) -> list[forms.BoundField]:
        return [self[f"image_{role}"] for role in self.names]

    @property
    def typed_in(self) -> dict[str, str]:
        return {role: f"image_{role}" for role in self.names}

    def preview(self, actor: Actor) -> UpgradeBlueprint:
        upgrades.check_release_note(self.cleaned_data["note"])
        return preview_upgrade(actor=actor, stack=self.stack, images=self._chosen())

    def begin(self, actor: Actor, plan: str) -> Upgrade:
        note = self.cleaned_data["note"]
        return upgrades.upgrade_stack(
            actor=actor, stack=self.stack, images=self._chosen(), plan=plan, note=note
        )

    def _chosen(self) -> dict[str, Image]:
        given = {role: self.cleaned_data[f"image_{role}"] for role in self.names}
        return {role: self.images[pk] for role, pk in given.items() if pk}


class ReturnForm(forms.Form):
    """Nothing is chosen: the release says it all."""

    typed_in: dict[str, str] = {}

    def __init__(self, data: Any = None, *, release: Release) -> None:
        super().__init__(data)
        self.release = release

    def preview(self, actor: Actor) -> UpgradeBlueprint:
        return upgrades.preview_return(actor=actor, release=self.release)

    def begin(self, actor: Actor, plan: str) -> Upgrade:
        return upgrades.make_current(actor=actor, release=self.release, plan=plan)
