"""What another mail server's files say about one address, before it is anything of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEME = re.compile(r"\{([A-Za-z0-9.-]{1,30})\}")
_CRYPT = (
    ("$6$", "SHA512-CRYPT"),
    ("$5$", "SHA256-CRYPT"),
    ("$2", "BLF-CRYPT"),
    ("$1$", "MD5-CRYPT"),
    ("$argon2", "ARGON2"),
)


@dataclass(frozen=True)
class FoundAddress:
    """One row or line; `place` is its line or its number, `address` as written.

    `keeps_mail`: a mailbox whose mail lies on that server. `scheme` names how its passphrase is kept there;
    the hash itself is kept nowhere, since ptt can check none of theirs. `stands_for`: all of `address`, a
    whole domain, stands for that domain.
    """

    place: int
    address: str
    targets: tuple[str, ...] = ()
    keeps_mail: bool = False
    scheme: str = ""
    quota: str = ""
    note: str = ""
    enabled: bool = True
    stands_for: str = ""
    pattern: bool = False


def scheme_of(stored: str) -> str:
    """How a passphrase is kept, as Dovecot names it; never any of it."""
    named = _SCHEME.match(stored)
    if named is not None:
        return named[1].upper()
    known = next((name for begin, name in _CRYPT if stored.startswith(begin)), "")
    return known or "another kind of hash"
