"""Checks of what the machines around the domain keep in its zone: certificates."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level, Who
from tenants.formats.mail_checks.reading import Reading

__all__ = ["certificates"]


def certificates(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the certificates in Rookery's zone are valid and renewed; nothing where there is none."""
    del reading  # what workers saw in the zone is known already
    for each in expected.certificates:
        level = Level.OK
        if each.worries:
            level = Level.WARN if each.serves else Level.FAIL
        elif each.staging:
            level = Level.WARN
        elif not each.serves:
            level = Level.INFO
        needs = level in (Level.WARN, Level.FAIL)
        who = Who.OWNER if needs else Who.NOBODY
        yield Finding("certificate", level, each.sentence, each.host, who=who, fix=each.fix if needs else "")
