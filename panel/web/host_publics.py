"""Public addresses of a host, given to organizations by those who run it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from panel.web.handling import actor_of, page
from panel.web.host_buttons import do_on_host, form_action
from panel.web.host_forms import PublicAddressForm
from tenants.actions import public_addresses
from tenants.errors import Absent
from tenants.models import HostShare


@page(methods=("POST",))
def host_public_add(request: HttpRequest, share_id: int) -> HttpResponse:
    actor, form = actor_of(request), PublicAddressForm(request.POST)
    return form_action(
        request,
        share_id,
        "public_form",
        lambda share: (
            form,
            lambda: public_addresses.add_public_address(actor=actor, share=share, **form.cleaned_data),
        ),
        "The address is there for the mail of one domain.",
    )


@page(methods=("POST",))
def host_public_remove(request: HttpRequest, share_id: int, public_id: int) -> HttpResponse:
    actor = actor_of(request)

    def act(share: HostShare) -> None:
        public = share.public_addresses.filter(pk=public_id).first()
        if public is None:
            raise Absent
        public_addresses.remove_public_address(actor=actor, public=public)

    return do_on_host(request, share_id, act, "The address was taken back.")
