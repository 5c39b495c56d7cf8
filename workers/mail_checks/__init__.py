"""Observing a domain for the checks of `tenants.formats.mail_checks`: DNS, mail servers, policy files.

No Django here. What may be dialled is handed in (`way`): public addresses, or a sandbox's own.
"""

from __future__ import annotations

from workers.mail_checks.mail import Mail
from workers.mail_checks.names import AskNames
from workers.mail_checks.observer import Asker, Observer
from workers.mail_checks.way import Way, inside_sandbox, outward

__all__ = ["AskNames", "Asker", "Mail", "Observer", "Way", "inside_sandbox", "outward"]
