"""Desired state, one module per subject."""

from __future__ import annotations

from tenants.models.accounts import Account, ApiToken, SignInLink
from tenants.models.aliases import AliasRules, Delivery
from tenants.models.answers import StoredAnswer
from tenants.models.canaries import Canary, CanaryOutage, CanaryRound, CanarySpan, CanaryWay
from tenants.models.certificates import Certificate, CertificateUse
from tenants.models.domain_offers import DomainOffer
from tenants.models.domain_roles import DomainRole
from tenants.models.domains import Domain
from tenants.models.events import Event
from tenants.models.exports import Export
from tenants.models.factors import CodeApp, Passkey, RecoveryCode
from tenants.models.feeds import ImageFeed
from tenants.models.fetches import BuildServer, ImageFetch
from tenants.models.findings import Finding
from tenants.models.firewalls import Firewall, FirewallRule
from tenants.models.former import FormerPassphrase
from tenants.models.git_hosts import HostSetup
from tenants.models.guards import AddressWarning, TargetDomain
from tenants.models.holdings import Holding
from tenants.models.hosts import Host, HostAddress, HostShare, Network, Volume
from tenants.models.images import Image
from tenants.models.imports import AddressImport, ImportRow, OrganizationImport
from tenants.models.installation import Installation
from tenants.models.invitations import Invitation
from tenants.models.limits import Allowance
from tenants.models.mail import OutgoingMail
from tenants.models.mail_checks import CheckChange, CheckLine, CheckMute, MailCheck
from tenants.models.mailboxes import Mailbox, TargetAddress
from tenants.models.names import HeldName
from tenants.models.notices import Notice, NoticeChoice
from tenants.models.organizations import Membership, Organization
from tenants.models.preparations import HostPreparation
from tenants.models.readers import RepositoryReader
from tenants.models.repositories import Repository
from tenants.models.request_rules import RequestRules
from tenants.models.requests import AddressRequest, DecisionLink
from tenants.models.server_answers import ServerAnswer
from tenants.models.sessions import Session
from tenants.models.signing_keys import SigningKey
from tenants.models.stacks import PublicAddress, Release, Stack, StackPhase, StackSecret
from tenants.models.surveys import Survey, SurveyLook
from tenants.models.sync import Condition, Evidence, Run, Step, SyncTarget
from tenants.models.unikernels import Unikernel, UnikernelSecret
from tenants.models.update_servers import UpdateServer
from tenants.models.upgrades import Upgrade, UpgradePhase
from tenants.models.watching import ConsoleLine, HostWatch, Sample, UnikernelExit, UnikernelWatch
from tenants.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery
from tenants.models.zones import PrimaryServer, RecordSet, SecondaryServer, TsigKey, Zone

__all__ = [
    "Account",
    "AddressImport",
    "AddressRequest",
    "AddressWarning",
    "AliasRules",
    "Allowance",
    "ApiToken",
    "BuildServer",
    "Canary",
    "CanaryOutage",
    "CanaryRound",
    "CanarySpan",
    "CanaryWay",
    "Certificate",
    "CertificateUse",
    "CheckChange",
    "CheckLine",
    "CheckMute",
    "CodeApp",
    "Condition",
    "ConsoleLine",
    "DecisionLink",
    "Delivery",
    "Domain",
    "DomainOffer",
    "DomainRole",
    "Event",
    "Evidence",
    "Export",
    "Finding",
    "Firewall",
    "FirewallRule",
    "FormerPassphrase",
    "HeldName",
    "Holding",
    "Host",
    "HostAddress",
    "HostPreparation",
    "HostSetup",
    "HostShare",
    "HostWatch",
    "Image",
    "ImageFeed",
    "ImageFetch",
    "ImportRow",
    "Installation",
    "Invitation",
    "MailCheck",
    "Mailbox",
    "Membership",
    "Network",
    "Notice",
    "NoticeChoice",
    "Organization",
    "OrganizationImport",
    "OutgoingMail",
    "Passkey",
    "PrimaryServer",
    "PublicAddress",
    "RecordSet",
    "RecoveryCode",
    "Release",
    "Repository",
    "RepositoryReader",
    "RequestRules",
    "Run",
    "Sample",
    "SecondaryServer",
    "ServerAnswer",
    "Session",
    "SignInLink",
    "SigningKey",
    "Stack",
    "StackPhase",
    "StackSecret",
    "Step",
    "StoredAnswer",
    "Survey",
    "SurveyLook",
    "SyncTarget",
    "TargetAddress",
    "TargetDomain",
    "TsigKey",
    "Unikernel",
    "UnikernelExit",
    "UnikernelSecret",
    "UnikernelWatch",
    "UpdateServer",
    "Upgrade",
    "UpgradePhase",
    "Volume",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
    "Zone",
]
