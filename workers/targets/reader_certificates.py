"""The certificate that a submission server gets when it starts.

ptt's submission takes its certificate from the TLSA record of its name when it starts, and ends when there is
none: then it had better go on with the one that it has.
"""

from __future__ import annotations

from tenants.models import RepositoryReader


def certificate_problem(reader: RepositoryReader) -> str:
    """Why a server that starts now would get no valid certificate; "" when nothing is known against it."""
    return ""
