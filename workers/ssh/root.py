"""Lines for an account's shell that become root: directly, or by sudo without a password."""

from __future__ import annotations


def as_root(words: str) -> str:
    """Run `words` (quoted for a shell) as root; more words may be appended to the line."""
    return f'set -- {words}; if [ "$(id -u)" != 0 ]; then set -- sudo -n "$@"; fi; exec "$@"'
