"""Preparing a machine for albatross: what is wanted of it, what it is like, and what is to be done. Pure.

| module   |                                                                                          |
|----------|------------------------------------------------------------------------------------------|
| `wanted` | what a prepared host has: packages, services, bridges, forwarding, accounts              |
| `facts`  | one read-only script, and the strict reading of what it printed                          |
| `steps`  | a step: title, why, exact commands, and the check that says whether it is so             |
| `files`  | the files that steps write                                                               |
| `plan`   | facts and wishes → steps and what only a person can change                               |
| `script` | steps as a POSIX script: for a worker one by one, for a person all of them; may run twice |
"""

from __future__ import annotations

from tenants.formats.host_setup.facts import FACTS_SCRIPT, Facts, read_facts
from tenants.formats.host_setup.plan import Plan, plan
from tenants.formats.host_setup.script import checks_script, read_checks, script, step_script
from tenants.formats.host_setup.steps import Step
from tenants.formats.host_setup.wanted import Bridge, GitRepository, Wanted

__all__ = [
    "FACTS_SCRIPT",
    "Bridge",
    "Facts",
    "GitRepository",
    "Plan",
    "Step",
    "Wanted",
    "checks_script",
    "plan",
    "read_checks",
    "read_facts",
    "script",
    "step_script",
]
