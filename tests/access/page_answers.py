"""What pages commonly answer, by how a person stands to the organization.

The columns: anonymous, a stranger (owner of another organization), the holder of ada@…, a viewer, a manager,
an owner, an operator. `in`: led to the sign-in; `to`: done, led on.
"""

from __future__ import annotations

EVERYBODY = "200 200 200 200 200 200 200"
PRESSED = " to  to  to  to  to  to  to"
NOWHERE = "404 404 404 404 404 404 404"
SIGNED_IN = " in 200 200 200 200 200 200"

#            an. str hol vie man own ope
TEAM = "      in 404 404 200 200 200 200"
MAILBOX = "   in 404 200 200 200 200 200"
USERS = "     in 404  to 403  to  to  to"  # the holder's own, too
MASTERS = "   in 404 403 403  to  to  to"  # its holder may see it only
HOLDERS = "   in 404  to 403 403 403 403"  # theirs alone
MANAGERS = "  in 404 404 403  to  to  to"
OWNERS = "    in 404 404 403 403  to  to"
OPERATORS = " in 404 404 403 403 403  to"
KEEPERS = "   in 404 404 404 404  to  to"  # others do not see it
SECRETIVE = " in 404 404 404 404 200 200"
