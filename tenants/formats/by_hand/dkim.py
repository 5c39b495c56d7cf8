"""A DKIM key by hand. A signer makes its key of a seed; the export of a domain has the key itself as PEM."""

from __future__ import annotations

from tenants.formats.by_hand.shell import comment, line, quote

_RAW = {"ed25519": " | tail -c 32"}
"""What stands in the record is the bare key, without the frame of its kind (RFC 8463 §4)."""


def signing_key_commands(selector: str, domain: str, algorithm: str) -> str:
    """`algorithm` as `rsa-2048`, `rsa-4096` or `ed25519`."""
    owner = f"{selector}._domainkey.{domain}"
    pem = quote(f"./dkim/{selector}.pem")
    return "\n".join(
        [
            comment(
                "A seed for a new key; the signer takes it as an argument and publishes its record itself:"
            ),
            f"(umask 077; head -c 32 /dev/urandom | base64 -w0 > {quote(f'./{selector}.seed')})",
            comment("What the record says after p=, by the key in the export (Settings, The way out):"),
            f"openssl pkey -in {pem} -pubout -outform DER{_RAW.get(algorithm, '')} | base64 -w0",
            comment("What the DNS says:"),
            line(["dig", "+short", owner, "TXT"]),
        ]
    )
