"""The one table of role × verb × kind. Default deny: what it does not say, nobody may."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    VIEW = "see"
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    DECIDE = "decide"
    SWITCH = "switch"
    MANAGE = "manage"


class Kind(StrEnum):
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    DOMAIN = "domain"
    DOMAIN_ROLE = "role on a domain"
    MAILBOX = "mailbox"
    OWN_ALIAS = "alias of one's own"
    HELD_NAME = "held name"
    REQUEST = "address request"
    INVITATION = "invitation"
    REPOSITORY = "repository"
    SYNC_TARGET = "sync target"
    RUN = "run"
    EVENT = "event"
    ZONE = "zone"
    TSIG_KEY = "key"
    SIGNING_KEY = "signing key"
    EXPORT = "export"
    NAME_SERVER = "name server"
    HOST = "host"
    HOST_SHARE = "part of a host"
    FIREWALL = "firewall"
    PREPARATION = "preparation of a host"
    IMAGE = "image"
    UNIKERNEL = "unikernel"
    STACK = "mail stack"
    WEBHOOK = "webhook"


class Role(StrEnum):
    OPERATOR = "operator"
    OWNER = "owner"
    MANAGER = "manager"
    VIEWER = "viewer"
    HOLDER = "holder"
    DECIDER = "decider"
    POSTMASTER = "postmaster"
    ZONE_KEEPER = "zone-keeper"
    OBSERVER = "observer"
    STRANGER = "stranger"


V = Verb
ALL = frozenset(Verb)
SEE = frozenset({V.VIEW})
EDIT = frozenset({V.VIEW, V.CREATE, V.CHANGE, V.DELETE})
# Of an address: switching it off and on, who holds it, and the team's note about it.
RUN_IT = EDIT | {V.SWITCH, V.MANAGE}

# What belongs to one domain, with what is around it.
IN_A_DOMAIN = (
    Kind.ORGANIZATION,
    Kind.DOMAIN,
    Kind.DOMAIN_ROLE,
    Kind.MAILBOX,
    Kind.HELD_NAME,
    Kind.REQUEST,
    Kind.INVITATION,
    Kind.REPOSITORY,
    Kind.SYNC_TARGET,
    Kind.RUN,
    Kind.EVENT,
    Kind.ZONE,
    Kind.TSIG_KEY,
    Kind.SIGNING_KEY,
    Kind.STACK,
)

# A person who holds a mailbox sees that one mailbox, changes its passphrase and targets, switches and deletes
# it, and runs the aliases that were made for it; everything else comes from membership.
TABLE: dict[Role, dict[Kind, frozenset[Verb]]] = {
    Role.OPERATOR: dict.fromkeys(Kind, ALL),
    Role.OWNER: {
        Kind.ORGANIZATION: frozenset({V.VIEW, V.CHANGE}),
        Kind.MEMBERSHIP: EDIT,
        Kind.DOMAIN: EDIT,
        Kind.DOMAIN_ROLE: EDIT,
        Kind.MAILBOX: RUN_IT,
        Kind.HELD_NAME: EDIT,
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.INVITATION: EDIT,
        Kind.REPOSITORY: EDIT,
        Kind.SYNC_TARGET: frozenset({V.VIEW, V.CHANGE, V.DECIDE}),
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
        Kind.ZONE: EDIT,
        Kind.TSIG_KEY: EDIT,
        Kind.SIGNING_KEY: EDIT,
        Kind.EXPORT: frozenset({V.VIEW, V.CREATE, V.CHANGE}),
        Kind.NAME_SERVER: EDIT,
        Kind.HOST: EDIT,
        Kind.HOST_SHARE: SEE,
        Kind.FIREWALL: SEE,
        Kind.PREPARATION: SEE,
        Kind.IMAGE: EDIT,
        Kind.UNIKERNEL: EDIT | {V.SWITCH},
        Kind.STACK: EDIT | {V.SWITCH, V.DECIDE},
        Kind.WEBHOOK: EDIT | {V.SWITCH},
    },
    Role.MANAGER: {
        Kind.ORGANIZATION: SEE,
        Kind.MEMBERSHIP: SEE,
        Kind.DOMAIN: SEE,
        Kind.DOMAIN_ROLE: SEE,
        Kind.MAILBOX: RUN_IT,
        Kind.HELD_NAME: frozenset({V.VIEW, V.CREATE}),
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.INVITATION: EDIT,
        Kind.REPOSITORY: SEE,
        Kind.SYNC_TARGET: SEE,
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
        Kind.ZONE: SEE,
        Kind.TSIG_KEY: SEE,
        Kind.SIGNING_KEY: SEE,
        Kind.NAME_SERVER: SEE,
        Kind.HOST: SEE,
        Kind.HOST_SHARE: SEE,
        Kind.FIREWALL: SEE,
        Kind.PREPARATION: SEE,
        Kind.IMAGE: SEE,
        Kind.UNIKERNEL: frozenset({V.VIEW, V.SWITCH}),
        Kind.STACK: SEE,
    },
    Role.VIEWER: dict.fromkeys(
        (
            *IN_A_DOMAIN,
            Kind.MEMBERSHIP,
            Kind.NAME_SERVER,
            Kind.HOST,
            Kind.HOST_SHARE,
            Kind.FIREWALL,
            Kind.PREPARATION,
            Kind.IMAGE,
            Kind.UNIKERNEL,
        ),
        SEE,
    ),
    Role.HOLDER: {
        Kind.MAILBOX: frozenset({V.VIEW, V.CHANGE, V.SWITCH, V.DELETE}),
        Kind.OWN_ALIAS: RUN_IT,
    },
    # Of one domain, where they were given; of the organization around it they see what it is called.
    Role.DECIDER: {
        Kind.ORGANIZATION: SEE,
        Kind.DOMAIN: SEE,
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.INVITATION: SEE,
    },
    Role.POSTMASTER: {
        Kind.ORGANIZATION: SEE,
        Kind.DOMAIN: SEE,
        Kind.MAILBOX: RUN_IT,
        Kind.HELD_NAME: frozenset({V.VIEW, V.CREATE}),
        Kind.SYNC_TARGET: SEE,
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
    },
    Role.ZONE_KEEPER: {
        Kind.ORGANIZATION: SEE,
        Kind.DOMAIN: SEE,
        Kind.ZONE: frozenset({V.VIEW, V.CHANGE}),
        Kind.TSIG_KEY: SEE,
        Kind.SIGNING_KEY: SEE,
    },
    Role.OBSERVER: dict.fromkeys(IN_A_DOMAIN, SEE),
    Role.STRANGER: {},
}


ON_DOMAIN = (Role.DECIDER, Role.POSTMASTER, Role.ZONE_KEEPER, Role.OBSERVER)


def verbs_of(role: Role, kind: Kind) -> frozenset[Verb]:
    return TABLE[role].get(kind, frozenset())


def roles_that(verb: Verb, kind: Kind) -> list[str]:
    """The roles which may do `verb` to this kind."""
    return [role.value for role in Role if verb in verbs_of(role, kind)]
