"""The two generations of ptt's primary, which differ in what they read.

`primary-git.hvt` of December 2022 is built on ocaml-dns 6.4.1, that of 2026 on 10.2.5. Everything else that
is said in this package holds for both.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIALECTS", "NEW", "OLD", "Dialect"]

_CLASSES = frozenset({"IN", "CS", "CH", "HS"})
_OLD_TYPE_NAMES = "A NS CNAME SOA PTR MX TXT AAAA SRV DNSKEY CAA TLSA SSHFP DS LOC"
_OLD_TYPES = frozenset(_OLD_TYPE_NAMES.split())
_KNOWN_NUMBERS = frozenset(
    {1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 43, 46, 47, 48, 50, 52, 250, 251, 252, 255, 257}
)


@dataclass(frozen=True)
class Dialect:
    """What one generation of the parser does.

    `types` are the mnemonics it knows. `label_words` are the words of the grammar that may also be labels or
    unquoted text (directions are those of LOC); `label_kinds` the same for kinds of tokens. `known_numbers`
    are the types that may not be written as TYPE<n>.
    """

    name: str
    version: str
    types: frozenset[str]
    label_words: frozenset[str]
    label_kinds: frozenset[str]
    known_numbers: frozenset[int]
    services: bool
    ends_last_line: bool
    any_pointer: bool
    folds_owners: bool


NEW = Dialect(
    name="new",
    version="10.2.5",
    types=_OLD_TYPES | {"SVCB", "HTTPS"},
    label_words=_OLD_TYPES | {"SVCB", "HTTPS"} | _CLASSES | {"N", "S", "E", "W"},
    label_kinds=frozenset({"number", "negative", "metres", "type"}),
    known_numbers=_KNOWN_NUMBERS | {44, 64, 65},
    services=True,
    ends_last_line=True,
    any_pointer=True,
    folds_owners=True,
)
"""ocaml-dns 10.2.5: the primary of 2026."""

OLD = Dialect(
    name="old",
    version="6.4.1",
    types=_OLD_TYPES,
    label_words=(_OLD_TYPES - {"CAA", "DS"}) | _CLASSES,
    label_kinds=frozenset({"number"}),
    known_numbers=_KNOWN_NUMBERS | {44},
    services=False,
    ends_last_line=False,
    any_pointer=False,
    folds_owners=False,
)
"""ocaml-dns 6.4.1: the primary of the blog, December 2022."""

DIALECTS = (NEW, OLD)
