"""Least rights on the git host: each key may run one command, on one repository."""

from __future__ import annotations

import re

from tenants.formats.text import FormatError, printable

KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/=]{40,2000})")
_GIT_ONLY = (
    'command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"",'
    "no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc"
)
_PATH = re.compile(r"(?!-)[A-Za-z0-9._/~+@-]{1,500}")


def git_only_line(public: str) -> str:
    """Return the line of `authorized_keys` for a key that runs git on every repository of the account, and
    nothing else."""
    return f"{_GIT_ONLY} {public}"


def restriction(path: str, *, writes: bool) -> str:
    """Return what stands before a key in `authorized_keys` so that it can do nothing but fetch from the
    repository at `path` (seen from the account's home) and, if it `writes`, push to it.

    Whatever path the key asks for itself, it is led to this one. Raises FormatError (field `path`).
    """
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        said = f"“{printable(path, 60)}” cannot stand in a command."
        raise FormatError("path", said, "Use letters, digits and . _ - + @ ~ / without “..”.")
    cases = f"git-upload-pack*) exec git-upload-pack '{path}';;"
    if writes:
        cases += f" git-receive-pack*) exec git-receive-pack '{path}';;"
    return f'restrict,command="case $SSH_ORIGINAL_COMMAND in {cases} *) exit 1;; esac"'


def restricted_line(public_key: str, path: str, *, writes: bool, comment: str = "") -> str:
    """Return the whole line for a key, mostly a unikernel's; see `restriction`. What followed the key itself
    is left out.

    Raises FormatError (field `path`, or `public_key` for what is none).
    """
    key = KEY.match(public_key.strip())
    if key is None:
        raise FormatError("public_key", "This is no line of an SSH public key.", "Give “ssh-ed25519 AAAA…”.")
    remark = re.sub(r"[^A-Za-z0-9._@ -]", "", comment)[:60].strip()
    return f"{restriction(path, writes=writes)} {key[1]} {key[2]} {remark}".rstrip()
