"""Passkeys (WebAuthn Level 3): what a browser is asked, and whether its answer is right.

Everything that an answer is bound to, the RP ID and the origin, comes from the configured base URL alone,
never from a request.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.models import Account, Passkey

LONGEST_ANSWER = 20_000
_PORTS = {"https": 443, "http": 80}


class BadAnswer(Exception):
    """An answer that does not prove what was asked."""


def rp_id() -> str:
    """The name that passkeys of this panel are bound to; "" where browsers would take none.

    They take the host of an https address, or localhost; never an IP address.
    """
    parts = urlsplit(settings.BASE_URL)
    host = (parts.hostname or "").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if parts.scheme == "https" or host == "localhost" else ""
    return ""


def origin() -> str:
    """What browsers call the configured base URL (RFC 6454)."""
    parts = urlsplit(settings.BASE_URL)
    host = (parts.hostname or "").lower()
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _server() -> Fido2Server:
    party = PublicKeyCredentialRpEntity(name="Rookery", id=rp_id())
    ours = origin()
    return Fido2Server(
        party,
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda given: given == ours,
    )


def handle_of(account: Account) -> bytes:
    """What authenticators know an account by: it says nothing, and stays the same."""
    return hashlib.sha256(f"rookery {account.pk} {account.created_at.isoformat()}".encode()).digest()


def _data(rows: Sequence[Passkey]) -> list[AttestedCredentialData]:
    return [AttestedCredentialData(bytes(row.credential)) for row in rows]


def ask_for_new(account: Account, known: Sequence[Passkey]) -> tuple[str, dict[str, Any]]:
    """Options for navigator.credentials.create as JSON, and what the answer is checked against."""
    user = PublicKeyCredentialUserEntity(
        name=account.email, id=handle_of(account), display_name=account.name or account.email
    )
    options, state = _server().register_begin(
        user,
        _data(known),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return json.dumps(dict(options)["publicKey"]), _plain(state)


def read_new(state: dict[str, Any], answer: str) -> AuthenticatorData:
    """The new passkey in an answer; raises BadAnswer."""
    try:
        return _server().register_complete(state, _parsed(answer))
    except BadAnswer:
        raise
    except Exception as error:  # hostile bytes fail in many ways, deep in parsers
        raise BadAnswer("This is no new passkey for what was asked.") from error


def ask_for_proof(known: Sequence[Passkey] | None) -> tuple[str, dict[str, Any]]:
    """Options for navigator.credentials.get as JSON, and what the answer is checked against.

    One of `known` is asked for, as second step. None: any that the authenticator finds for this panel, alone,
    and it must have made sure who uses it.
    """
    must = UserVerificationRequirement.REQUIRED if known is None else UserVerificationRequirement.PREFERRED
    options, state = _server().authenticate_begin(
        None if known is None else _data(known), user_verification=must
    )
    return json.dumps(dict(options)["publicKey"]), _plain(state)


def credential_id_in(answer: str) -> bytes:
    """Which passkey an answer says to be of; raises BadAnswer."""
    try:
        return bytes(AuthenticationResponse.from_dict(_parsed(answer)).raw_id)
    except BadAnswer:
        raise
    except Exception as error:
        raise BadAnswer("This is no answer of a passkey.") from error


def check_proof(state: dict[str, Any], row: Passkey, answer: str) -> int:
    """Returns the authenticator's counter where the answer proves that `row` was used; raises BadAnswer."""
    try:
        parsed = AuthenticationResponse.from_dict(_parsed(answer))
        _server().authenticate_complete(state, _data([row]), parsed)
    except BadAnswer:
        raise
    except Exception as error:
        raise BadAnswer("This answer does not prove what was asked.") from error
    handle = parsed.response.user_handle
    if handle is not None and bytes(handle) != handle_of(row.account):
        raise BadAnswer("This passkey says to be of another account.")
    return int(parsed.response.authenticator_data.counter)


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise BadAnswer("This answer is too long.")
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("This answer is no JSON.") from error
    if not isinstance(parsed, dict):
        raise BadAnswer("This answer is no JSON object.")
    return parsed


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """As it is kept in a session."""
    return {name: None if value is None else str(value) for name, value in state.items()}
