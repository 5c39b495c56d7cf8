"""Public keys of what unikernels are given: `--ssh-key` arguments, DKIM seeds, TLS seeds.

Which key a signer makes of its seed depends on its generation; here are those of ptt's 2022 to 2024. Keys of
4096 bits take seconds: make them in a worker.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tenants.formats.roles.kinds import Kind, check_value
from tenants.formats.roles.role import Era
from tenants.formats.zones.seeded_keys import dkim_key_rsa, rsa_public_key

_SEED_BYTES = 32
_TEXT_BITS = 4096
_SIGNER_BITS = 2048


@dataclass(frozen=True)
class SshKey:
    """A fresh key: what `--ssh-key` takes, and the line for `authorized_keys`."""

    argument: str = field(repr=False)
    public: str


def new_ssh_key(comment: str) -> SshKey:
    """Make an ed25519 key for unikernels."""
    argument = f"ed25519:{new_seed()}"
    return SshKey(argument, f"{ssh_public_line(argument)} {comment}")


def new_seed() -> str:
    """32 random bytes in base64: a seed, or the secret of a TSIG key."""
    return base64.b64encode(secrets.token_bytes(_SEED_BYTES)).decode("ascii")


def ssh_public_line(argument: str, *, rsa_bits: int = _TEXT_BITS) -> str:
    """Return the public key of an `--ssh-key` argument, as `authorized_keys` has it, without a comment.

    `ed25519:` has the private key itself; `rsa:` a seed, taken as text. Images with awa 0.0.4 and older make
    2048 bits of it. Raises FormatError (field `--ssh-key`), which never repeats it.
    """
    check_value(Kind.SSH_KEY, argument, field="--ssh-key")
    kind, _, value = argument.partition(":")
    if kind == "ed25519":
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(value)).public_key()
        return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    public = load_der_public_key(rsa_public_key(value.encode("ascii"), rsa_bits))
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def signer_key(seed: str, era: Era) -> str:
    """Return `p=` of the DKIM record that a signer of this generation publishes. Raises FormatError."""
    return dkim_key_rsa(seed, _BITS_OF[era])


_BITS_OF = dict.fromkeys(Era, _SIGNER_BITS)
