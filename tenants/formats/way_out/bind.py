"""A conventional name server in the place of ptt's primary: keys and a zone clause for BIND's named.conf."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.formats.zones.keyfile import Right, TsigKey, scope_of
from tenants.formats.zones.names import Name


def named_conf(domain: str, keys: Sequence[TsigKey]) -> str:
    """Return `key` clauses and a `zone` clause that give each key the right which its name has at ptt's
    primary. Secret."""
    parts = [
        f'key "{_bare(key.name)}" {{ algorithm hmac-{key.algorithm.lower()}; secret "{key.secret}"; }};'
        for key in keys
    ]
    rights = {right: [key for key in keys if _right(key) is right] for right in Right}
    may_update = _listed(rights[Right.UPDATE])
    may_transfer = _listed([*rights[Right.UPDATE], *rights[Right.TRANSFER]])
    parts.append(
        f'zone "{domain}" {{ type primary; file "{domain}.zone"; '
        f"allow-update {{ {may_update} }}; allow-transfer {{ {may_transfer} }}; }};"
    )
    return "\n".join(parts) + "\n"


def _right(key: TsigKey) -> Right | None:
    scope = scope_of(key.name)
    return scope[0] if scope else None


def _listed(keys: Sequence[TsigKey]) -> str:
    return " ".join(f'key "{_bare(key.name)}";' for key in keys) or "none;"


def _bare(name: Name) -> str:
    return str(name).removesuffix(".")
