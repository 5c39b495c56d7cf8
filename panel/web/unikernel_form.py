"""The form of a unikernel: its fields follow from the image's manifest and from what there is on the host."""

from __future__ import annotations

from typing import Any

from django import forms

from panel.web.fields import Secret, Typed, plain_input
from tenants.actions.unikernels import Chosen
from tenants.errors import Invalid
from tenants.models import HostShare, Image, Unikernel

_LINES = {"rows": 6, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
NEVER, ALWAYS, CODES = "never", "always", "codes"


class ChangeForm(forms.Form):
    """Its network and block fields follow from the image. `unikernel` is the one to change, if any."""

    memory = forms.IntegerField(label="Memory in MB", min_value=1, max_value=1 << 20, initial=32)
    cpuid = forms.IntegerField(label="CPU", min_value=0, max_value=1023, initial=0)
    arguments = Typed(
        label="Arguments",
        required=False,
        mark_optional=True,
        widget=forms.Textarea(_LINES),
        help_text="One on each line, e.g. --ipv4={address:service} or --seed={secret:seed}.",
    )
    secrets = Secret(
        label="Secrets",
        required=False,
        mark_optional=True,
        widget=forms.Textarea(_LINES),
        help_text=(
            "One on each line, e.g. seed=…, or only seed= to remove it. They are sealed at once and never"
            " shown here again. On the host itself whoever may use albatross can read them."
        ),
    )
    restart = forms.ChoiceField(
        label="When it exits by itself",
        choices=[
            (NEVER, "It stays ended"),
            (ALWAYS, "It is started again, unless the image or the arguments are wrong (1, 60 to 64)"),
            (CODES, "It is started again after these exit codes only"),
        ],
        initial=NEVER,
        widget=forms.RadioSelect,
    )
    codes = Typed(
        label="Exit codes",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="200", autocomplete="off"),
        help_text="E.g. 2, 255.",
    )
    startup = forms.IntegerField(
        label="Order of start",
        min_value=0,
        max_value=1000,
        initial=50,
        help_text="When the host starts, lower ones come first.",
    )

    def __init__(
        self, data: Any = None, *, share: HostShare, image: Image, unikernel: Unikernel | None = None
    ) -> None:
        super().__init__(data, initial=_initial(unikernel))
        self.image = image
        self.networks = {str(each.pk): each for each in share.networks.all()}
        volumes = [(label, label) for label in share.volumes.values_list("label", flat=True)]
        self.devices: list[tuple[str, str, str]] = []
        order = ["name", "memory", "cpuid"]
        for index, (device, kind) in enumerate(image.devices):
            field = f"device_{index}"
            self.devices.append((field, device, kind))
            choices = (
                [(key, str(each)) for key, each in self.networks.items()] if kind == "network" else volumes
            )
            label = f"Network of {device}" if kind == "network" else f"Block volume of {device}"
            self.fields[field] = forms.ChoiceField(
                label=label, choices=choices, initial=_chosen(unikernel, device, kind)
            )
            order.append(field)
            if kind == "network":
                self.fields[f"address_{index}"] = Typed(
                    label=f"Address of {device}",
                    required=False,
                    mark_optional=True,
                    widget=plain_input(maxlength="15", autocomplete="off"),
                    help_text="Left empty, it keeps its address or gets the next free one.",
                )
                order.append(f"address_{index}")
        self.order_fields([*order, "arguments", "secrets", "restart", "codes", "startup"])

    def chosen(self) -> Chosen:
        """What was filled in, as the action takes it. Raises Invalid."""
        given = self.cleaned_data
        kinds = {kind: [each for each in self.devices if each[2] == kind] for kind in ("network", "block")}
        addresses = {
            device: given[f"address_{field.removeprefix('device_')}"] for field, device, _ in kinds["network"]
        }
        chosen: Chosen = {
            "image": self.image,
            "memory": given["memory"],
            "cpuid": given["cpuid"],
            "networks": {device: self.networks[given[field]] for field, device, _ in kinds["network"]},
            "addresses": {device: address for device, address in addresses.items() if address},
            "blocks": {device: given[field] for field, device, _ in kinds["block"]},
            "arguments": [line for line in given["arguments"].replace("\r", "").split("\n") if line],
            "secrets": _secrets(given["secrets"]),
            "restart_on_exit": self._codes(),
            "startup": given["startup"],
        }
        return chosen

    def _codes(self) -> list[int] | None:
        how = self.cleaned_data["restart"]
        if how == NEVER:
            return None
        if how == ALWAYS:
            return []
        words = self.cleaned_data["codes"].replace(",", " ").split()
        if not words or not all(word.isascii() and word.isdigit() and len(word) < 4 for word in words):
            raise Invalid.of("codes", "These are no exit codes.", "Write them like 2, 255.")
        return [int(word) for word in words]


class UnikernelForm(ChangeForm):
    """The same with a name, for a new one."""

    name = Typed(
        label="Name",
        widget=plain_input(maxlength="63", autocomplete="off"),
        help_text="Its name on the host: small letters, digits, hyphens.",
    )


TYPED_IN = {"restart_on_exit": "codes"}
"""Which field of the form belongs to one of the action's that is called otherwise."""


def _initial(row: Unikernel | None) -> dict[str, Any]:
    if row is None:
        return {}
    codes = row.restart_on_exit
    return {
        "memory": row.memory,
        "cpuid": row.cpuid,
        "arguments": "\n".join(row.arguments),
        "restart": NEVER if codes is None else CODES if codes else ALWAYS,
        "codes": ", ".join(str(code) for code in codes or []),
        "startup": row.startup,
    }


def _chosen(row: Unikernel | None, device: str, kind: str) -> str:
    if row is None:
        return ""
    return str(dict(row.networks if kind == "network" else row.blocks).get(device, ""))


def _secrets(text: str) -> dict[str, str | None]:
    """`name=value` lines; a name alone, with its equals sign, removes that secret. Raises Invalid."""
    found: dict[str, str | None] = {}
    for line in text.replace("\r", "").split("\n"):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Invalid.of("secrets", "A line has no equals sign.", "Write name=value.")
        found[name.strip()] = value or None
    return found
