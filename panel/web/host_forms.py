"""Forms of hosts: how to reach one, in the three ways, and what is given to whom on it."""

from __future__ import annotations

from typing import Any

from django import forms

from panel.web.fields import Secret, Typed, plain_input
from tenants.models import HostShare, Organization

_PEM = {"rows": 6, "spellcheck": "false", "autocapitalize": "none"}


class _HostForm(forms.Form):
    """`organizations`: where this person may add one; the field shows when there is a choice."""

    organization: Any = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Whose host is it?", empty_label=None
    )
    name = Typed(
        label="Name", widget=plain_input(maxlength="63", autocomplete="off"), help_text="How you call it."
    )

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["organization"].initial = organizations.first()


def _path() -> Typed:
    return Typed(
        label="Path",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="63", autocomplete="off"),
        help_text="In front of the names of its unikernels there; made from the organization's name. A colon"
        " alone is the root path, for a host where names have nothing in front.",
    )


def _folder() -> Typed:
    return Typed(
        label="Folder of albatross",
        initial="/run/albatross",
        widget=plain_input(maxlength="400", autocomplete="off"),
        help_text="/run/albatross on Linux, /var/run/albatross on FreeBSD; its sockets are in util.",
    )


class SshHostForm(_HostForm):
    host = Typed(label="Address", widget=plain_input(maxlength="253", autocomplete="off"))
    port = forms.IntegerField(label="Port", initial=22, min_value=1, max_value=65535)
    username = Typed(
        label="Account there",
        initial="rookery",
        widget=plain_input(maxlength="64", autocomplete="off"),
        help_text="It must be in the group albatross: usermod -aG albatross rookery.",
    )
    socket_folder = _folder()
    path = _path()


class TlsHostForm(_HostForm):
    host = Typed(label="Address", widget=plain_input(maxlength="253", autocomplete="off"))
    port = forms.IntegerField(label="Port", initial=1025, min_value=1, max_value=65535)
    server_ca = Typed(
        label="CA of the endpoint",
        widget=forms.Textarea(_PEM),
        help_text="The PEM that the endpoint's own certificate comes from: cacert.pem.",
    )
    authority = Typed(
        label="Certificate that signs commands",
        widget=forms.Textarea(_PEM),
        help_text="The host's CA, or the intermediate that its owner made for you, its issuers after it.",
    )
    authority_key = Secret(
        label="Its key",
        widget=forms.Textarea({**_PEM, "autocomplete": "off"}),
        help_text="It is sealed at once: this panel can never read it again, only its workers can.",
    )
    path = _path()


class LocalHostForm(_HostForm):
    socket_folder = _folder()
    path = _path()


FORMS: dict[str, type[_HostForm]] = {"ssh": SshHostForm, "tls": TlsHostForm, "local": LocalHostForm}


class QuotaForm(forms.Form):
    most_unikernels = forms.IntegerField(label="Unikernels", min_value=1, max_value=10_000)
    memory = forms.IntegerField(label="Memory in MB", min_value=16, max_value=1 << 24)
    storage = forms.IntegerField(label="Block volumes in MB", min_value=0, max_value=1 << 24)
    cpuids = Typed(
        label="CPUs",
        widget=plain_input(maxlength="400", autocomplete="off"),
        help_text="Their numbers, e.g. 0, 1.",
    )

    @classmethod
    def of(cls, share: HostShare, data: Any = None) -> QuotaForm:
        initial = {
            "most_unikernels": share.most_unikernels,
            "memory": share.memory,
            "storage": share.storage,
            "cpuids": ", ".join(str(each) for each in sorted(share.cpuids)),
        }
        return cls(data, initial=initial)


class NetworkForm(forms.Form):
    bridge = Typed(label="Bridge", widget=plain_input(maxlength="15", autocomplete="off"))
    subnet = Typed(
        label="Subnet", widget=plain_input(maxlength="18", autocomplete="off"), help_text="E.g. 10.0.0.0/24."
    )
    gateway = Typed(
        label="Gateway",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="15", autocomplete="off"),
        help_text="The host's own address on the bridge; usually the first one.",
    )


class PublicAddressForm(forms.Form):
    address = Typed(
        label="Public address",
        widget=plain_input(maxlength="15", autocomplete="off"),
        help_text="As the host itself has it. One domain's mail uses it, at ports 25 and 465.",
    )


class VolumeForm(forms.Form):
    label = Typed(label="Name", widget=plain_input(maxlength="63", autocomplete="off"))
    size = forms.IntegerField(label="Size in MB", min_value=1, max_value=1 << 24)


class ShareForm(forms.Form):
    organization = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Organization", empty_label=None
    )
    path = _path()

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
