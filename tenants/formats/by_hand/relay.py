"""An address in relay.git by hand: one file named by the local part (see `tenants.formats.relay_entry`)."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.formats.by_hand.shell import Secret, block, comment, published, quote
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry, emit

HASH = Secret(
    "HASH",
    "128 hex digits, what ptt keeps of the passphrase. Of the one that is set: the password in the address's"
    ' file in relay.git. Of a new one: printf %s "$PASSPHRASE" | b2sum | cut -d" " -f1',
)
TAKEN_UP = comment("ptt reads it only when it starts: restart the submission server, then the relay.")


def write_address(remote: str, branch: str, address: str, targets: Sequence[str], *, login: bool) -> str:
    """Return the lines that make the file of `address`. Without `login` nobody can log in with it, and no
    secret is needed. Raises FormatError for targets that ptt would mishandle."""
    name, file = _names(address)
    content = emit(RelayEntry(tuple(targets), NO_LOGIN)).decode()
    before, _, after = content.rpartition(NO_LOGIN)
    said = f'{quote(before)}"$HASH"{quote(after)}' if login else quote(content)
    changes = (f"printf %s {said} > {file}", f"git add -- {file}")
    lines = published(remote, branch, f"Write {name}", *changes)
    return "\n".join([block(*lines, secrets=[HASH] if login else []), TAKEN_UP])


def remove_address(remote: str, branch: str, address: str) -> str:
    """Return the lines that take the file of `address` away, if there is one."""
    name, file = _names(address)
    change = f"git rm --quiet --ignore-unmatch -- {file}"
    return "\n".join([block(*published(remote, branch, f"Remove {name}", change)), TAKEN_UP])


def _names(address: str) -> tuple[str, str]:
    """The local part, and its file as a word of a shell that no program takes for an option."""
    name = address.rpartition("@")[0]
    return name, quote(f"./{name}")
