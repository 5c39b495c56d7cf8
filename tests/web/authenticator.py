"""An authenticator in Python: it makes passkeys and answers as a browser would, rightly or wrongly."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from tenants import passkeys

FLAG = AuthenticatorData.FLAG


def options_in(response: Any) -> dict[str, Any]:
    """What a page asks the browser."""
    found = re.search(r'data-options="([^"]+)"', response.content.decode())
    assert found, response.content.decode()
    options: dict[str, Any] = json.loads(unescape(found.group(1)))
    return options


@dataclass
class Authenticator:
    """One passkey. `origin`, `verifies` and `counter` may be set to what they should not be."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    origin: str = field(default_factory=passkeys.origin)
    rp_id: str = field(default_factory=passkeys.rp_id)
    verifies: bool = True
    counter: int = 0
    handle: bytes = b""

    def _flags(self) -> Any:
        return FLAG.UP | FLAG.UV if self.verifies else FLAG.UP

    def _client(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(kind, str(options["challenge"]), self.origin)

    def make(self, options: dict[str, Any]) -> str:
        self.handle = websafe_decode(options["user"]["id"])
        data = AttestedCredentialData.create(
            bytes(16),
            self.credential_id,
            ES256.from_cryptography_key(self.key.public_key()),  # type: ignore[no-untyped-call]
        )
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        auth = AuthenticatorData.create(rp, self._flags() | FLAG.AT, self.counter, data)
        client = self._client(CollectedClientData.TYPE.CREATE, options)
        attestation = AttestationObject.create("none", auth, {})
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def prove(self, options: dict[str, Any]) -> str:
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        auth = AuthenticatorData.create(rp, self._flags(), self.counter)
        client = self._client(CollectedClientData.TYPE.GET, options)
        signature = self.key.sign(auth + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client, authenticatorData=auth, signature=signature, userHandle=self.handle
        )

    def _answer(self, **response: bytes) -> str:
        name = websafe_encode(self.credential_id)
        told = {each: websafe_encode(value) for each, value in response.items()}
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": told, "clientExtensionResults": {}}
        )
