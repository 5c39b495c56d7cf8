"""What an image's page calls each role of a mail stack."""

from __future__ import annotations

from tenants.models import Image

IMAGE_ROLES = {
    "resolver": Image.Role.RESOLVER,
    "primary": Image.Role.PRIMARY_DNS,
    "letsencrypt": Image.Role.CERTIFICATES,
    "relay": Image.Role.RELAY,
    "signer": Image.Role.SIGNER,
    "submission": Image.Role.SUBMISSION,
    "spamfilter": Image.Role.SPAMFILTER,
    "verifier": Image.Role.VERIFIER,
}
