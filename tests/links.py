"""The tokens of links that people were mailed. Only digests are kept, so each is made anew."""

from __future__ import annotations

from tenants import tokens
from tenants.actions import accounts, requests
from tenants.actor import Actor
from tenants.models import AddressRequest, DecisionLink, Domain, Mailbox, SignInLink, TargetAddress
from tests.conftest import HASH


def link_of(mailbox: Mailbox, address: str) -> str:
    """The token in the link that a target's holder was mailed; a fresh one, since only digests are kept."""
    token = tokens.new_token()
    TargetAddress.objects.filter(mailbox=mailbox, address=address).update(digest=tokens.digest(token))
    return token


def decision_link(request: AddressRequest, decider: Actor) -> str:
    """The token in the link that `decider` was mailed; a fresh one, since only digests are kept."""
    token = tokens.new_token()
    DecisionLink.objects.filter(request=request, account=decider.account).update(digest=tokens.digest(token))
    return token


def sign_in_link(actor: Actor) -> str:
    """The token of a one-time link that `actor` asked for."""
    assert actor.account is not None
    accounts.ask_for_sign_in_link(actor=Actor(), email=actor.account.email)
    token = tokens.new_token()
    newest = SignInLink.objects.filter(account=actor.account).latest("pk")
    SignInLink.objects.filter(pk=newest.pk).update(digest=tokens.digest(token))
    return token


def ask(domain: Domain, local_part: str, target: str = "") -> tuple[AddressRequest, str, str]:
    """A stranger's request, with the tokens of its page and of the link in its mail."""
    done = requests.submit_request(
        actor=Actor(),
        domain=domain,
        local_part=local_part,
        target=target or f"{local_part}@home.example",
        password_hash=HASH,
        message="We met at the harbour.",
    )
    token = tokens.new_token()
    AddressRequest.objects.filter(pk=done.request.pk).update(confirm_digest=tokens.digest(token))
    return done.request, done.page_token, token
