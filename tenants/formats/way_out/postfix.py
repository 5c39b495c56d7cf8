"""Maps for Postfix, which takes over from ptt's relay and submission (postconf(5), virtual(5))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tenants.formats.relay_entry import NO_LOGIN, RelayEntry


def virtual_alias_maps(domain: str, entries: Mapping[str, RelayEntry]) -> str:
    """Return who gets the mail of each address: `address target, target`, one line each (postmap(1))."""
    return "".join(
        f"{name}@{domain}\t{', '.join(entry.targets)}\n"
        for name, entry in sorted(entries.items())
        if entry.targets
    )


def sender_login_maps(domain: str, entries: Mapping[str, RelayEntry]) -> str:
    """Return who may send as each address; ptt lets everybody send as anybody, Postfix need not."""
    return "".join(f"{name}@{domain}\t{name}\n" for name in logins(entries))


def logins(entries: Mapping[str, RelayEntry]) -> Iterator[str]:
    """The user names that have a passphrase, in order."""
    return (name for name, entry in sorted(entries.items()) if entry.password != NO_LOGIN)


def main_cf(domain: str) -> str:
    """Return what main.cf needs for the maps."""
    return f"""\
# For /etc/postfix/main.cf. After copying the maps to /etc/postfix: postmap virtual sender_login
virtual_alias_domains = {domain}
virtual_alias_maps = hash:/etc/postfix/virtual
smtpd_sender_login_maps = hash:/etc/postfix/sender_login
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_tls_auth_only = yes
"""
