"""Names that a stranger is not given in a new domain: people and machines believe what comes from them."""

from __future__ import annotations

# RFC 2142, "Mailbox names for common services, roles and functions".
_RFC_2142 = (
    "abuse",
    "ftp",
    "hostmaster",
    "info",
    "marketing",
    "news",
    "noc",
    "postmaster",
    "sales",
    "security",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
)
# Whoever reads these may be given a certificate for the domain: CA/Browser Forum, baseline requirements,
# 3.2.2.4.4 (with hostmaster, postmaster and webmaster).
_CERTIFICATES = ("admin", "administrator")
# What machines write from, and what people take for the domain itself.
_USUAL = (
    "autoconfig",
    "autodiscover",
    "billing",
    "contact",
    "daemon",
    "dmarc",
    "help",
    "helpdesk",
    "hr",
    "it",
    "mail",
    "mailer-daemon",
    "mailman",
    "no-reply",
    "noreply",
    "office",
    "operator",
    "owner",
    "postfix",
    "privacy",
    "root",
    "ssl-admin",
    "ssladmin",
    "staff",
    "sysadmin",
    "team",
    "tls-rpt",
)
RESERVED_NAMES = tuple(sorted({*_RFC_2142, *_CERTIFICATES, *_USUAL}))
