"""Desired state, one module per subject."""

from __future__ import annotations

from tenants.models.accounts import Account, ApiToken, SignInLink
from tenants.models.answers import StoredAnswer
from tenants.models.domains import Domain
from tenants.models.events import Event
from tenants.models.findings import Finding
from tenants.models.installation import Installation
from tenants.models.limits import Allowance
from tenants.models.mail import OutgoingMail
from tenants.models.mailboxes import Mailbox, TargetAddress
from tenants.models.organizations import Membership, Organization
from tenants.models.repositories import Repository
from tenants.models.requests import AddressRequest
from tenants.models.sync import Condition, Evidence, Run, Step, SyncTarget

__all__ = [
    "Account",
    "AddressRequest",
    "Allowance",
    "ApiToken",
    "Condition",
    "Domain",
    "Event",
    "Evidence",
    "Finding",
    "Installation",
    "Mailbox",
    "Membership",
    "Organization",
    "OutgoingMail",
    "Repository",
    "Run",
    "SignInLink",
    "Step",
    "StoredAnswer",
    "SyncTarget",
    "TargetAddress",
]
