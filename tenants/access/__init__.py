"""Who may do what: one table of role × verb × kind for the web, the API and every queryset.

A token may what its account may, narrowed to an organization, a domain, kinds and verbs; never more.

Default deny. A rank is always held *in an organization*; the only rank outside is the operator's. What an
actor may not see does not exist for it: absent and foreign give the same `Absent`.

`table` says what each role may; `places` where things are; `standing` which role somebody has there; `scope`
what a token leaves of that; `holding` what belongs to people themselves; `decide` puts these together; `rank`
keeps people from reading the sign-ins of those who may more.
"""

from __future__ import annotations

from tenants.access.decide import (
    get,
    is_team,
    mailboxes_in,
    may,
    may_create,
    require,
    require_create,
    require_not_halted,
    require_view_of,
    seen_inside,
    visible_to,
)
from tenants.access.holding import held_mailboxes, holds, holds_own_alias, lent_to, people_who_hold
from tenants.access.places import KINDS, organization_id_of
from tenants.access.rank import names_above, ranks_known, require_rank
from tenants.access.scope import knows, require_no_domain, require_scope
from tenants.access.standing import (
    asking_once,
    domain_roles_of,
    domains_where,
    has_domain_roles,
    is_halted,
    role_in,
)
from tenants.access.table import ON_DOMAIN, TABLE, Kind, Role, Verb, roles_that

__all__ = [
    "KINDS",
    "ON_DOMAIN",
    "TABLE",
    "Kind",
    "Role",
    "Verb",
    "asking_once",
    "domain_roles_of",
    "domains_where",
    "get",
    "has_domain_roles",
    "held_mailboxes",
    "holds",
    "holds_own_alias",
    "is_halted",
    "is_team",
    "knows",
    "lent_to",
    "mailboxes_in",
    "may",
    "may_create",
    "names_above",
    "organization_id_of",
    "people_who_hold",
    "ranks_known",
    "require",
    "require_create",
    "require_no_domain",
    "require_not_halted",
    "require_rank",
    "require_scope",
    "require_view_of",
    "role_in",
    "roles_that",
    "seen_inside",
    "visible_to",
]
