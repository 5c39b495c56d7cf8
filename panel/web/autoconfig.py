"""The settings of a domain as a file for mail programs (Thunderbird's autoconfig format 1.1).

ptt has a submission server and no server to read mail from: mail goes on to another mailbox, which has
its own settings. So the file names the outgoing server only. Thunderbird's wizard for a *new account*
wants an incoming server and turns to its own guesses; we do not invent one, since a program would send
the passphrase there. The page for people says how to add the outgoing server to the account that exists.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from panel.web.handling import page
from panel.web.mail_program import SUBMISSION_PORT
from tenants.formats.addresses import check_domain, split_address
from tenants.formats.text import FormatError
from tenants.models import Domain

LONGEST_ADDRESS = 320


@page(signed_in=False)
def autoconfig(request: HttpRequest) -> HttpResponse:
    """The file of the domain in `emailaddress`, or of the host that was asked (autoconfig.example.org).

    Whether an address exists is not looked up: the answer is the same for every local part.
    """
    try:
        name = _domain_asked(request)
    except FormatError as error:
        return _plain(400, f"{error} Ask with ?emailaddress=you@example.org.")
    domain = Domain.objects.filter(name=name).first()
    if domain is None:
        return _plain(404, "This domain's mail is not run here.")
    response = render(
        request,
        "public/autoconfig.xml",
        {"domain": domain, "host": domain.mail_program_host, "port": SUBMISSION_PORT},
        content_type="application/xml; charset=utf-8",
    )
    response["Cache-Control"] = "public, max-age=3600"
    return response


def _domain_asked(request: HttpRequest) -> str:
    address = request.GET.get("emailaddress")
    if address is None:
        host = request.get_host().partition(":")[0]
        return check_domain(host.removeprefix("autoconfig."), field="emailaddress")
    if len(address) > LONGEST_ADDRESS:
        raise FormatError("emailaddress", "The address is too long.", "")
    return check_domain(split_address(address, field="emailaddress")[1], field="emailaddress")


def _plain(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
