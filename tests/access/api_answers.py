"""What operations of the API commonly answer, by how a person stands to the organization.

The columns as in tests.access.page_answers.
"""

from __future__ import annotations

EVERYBODY = "200 200 200 200 200 200 200"
#            an. str hol vie man own ope
LISTS = "    401 200 200 200 200 200 200"  # of what one may see
TEAM = "     401 404 404 200 200 200 200"
MAILBOX = "  401 404 200 200 200 200 200"
USERS = "    401 404 200 403 200 200 200"  # the holder's own, too
MASTERS = "  401 404 403 403 200 200 200"  # its holder may see it only
HOLDERS = "  401 404 200 403 403 403 403"  # theirs alone
MANAGERS = " 401 404 404 403 200 200 200"
OWNERS = "   401 404 404 403 403 200 200"

OPERATORS = "401 404 404 403 403 403 200"
KEEPERS = "  401 404 404 404 404 200 200"  # others do not see it


def coded(answers: str, code: int) -> str:
    """The same, where what is done answers otherwise than 200."""
    return answers.replace("200", str(code))
