"""Will my mail work? What is seen of a domain, judged by what should be. Pure: nothing here asks anybody.

| module                                         | what it has                                               |
|------------------------------------------------|-----------------------------------------------------------|
| `judge`                                        | all checks in order; what is found, what is still to ask  |
| `names`, `servers`, `sending`, `transport`, `doors` | the checks themselves, by subject                    |
| `block_lists`                                  | DNS block lists: what their answers mean                  |
| `spf_record`                                   | SPF: reading, counting look-ups, judging an address       |
| `reading`                                      | the questions, their answers, and asking for more         |
| `expected`                                     | what Rookery computed, and comparing with it              |
| `finding`                                      | what a check says                                         |
"""

from __future__ import annotations

from tenants.formats.mail_checks.expected import DkimKey, Expected, KeptCertificate
from tenants.formats.mail_checks.finding import Finding, Level, Who, worst
from tenants.formats.mail_checks.judge import CHECKS, TOPICS, Judged, judge
from tenants.formats.mail_checks.reading import Reading

__all__ = [
    "CHECKS",
    "TOPICS",
    "DkimKey",
    "Expected",
    "Finding",
    "Judged",
    "KeptCertificate",
    "Level",
    "Reading",
    "Who",
    "judge",
    "worst",
]
