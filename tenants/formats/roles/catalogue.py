"""The eight roles of a mail stack, in the order in which they start."""

from __future__ import annotations

from collections.abc import Mapping

from tenants.formats.roles import options
from tenants.formats.roles.role import (
    GIT,
    INTERNET,
    DnsWrite,
    Era,
    Need,
    Port,
    Probe,
    ProbeKind,
    Restart,
    Role,
    Secret,
)

_BOTH = ("tcp", "udp")
_TCP = ("tcp",)
_SMTP_IN = (Port(25),)
_GIT_NEED = Need(22, _TCP, GIT, "reads its repository")
_ASK_PRIMARY = Need(53, _TCP, "primary", "writes to the zone")
_RESOLVE = Need(53, _BOTH, "resolver", "looks up names")
_ACME = DnsWrite("_letsencrypt._tcp.{host}", "TLSA", "at boot, when no certificate fits its key")
_OLD_CERTIFICATE = Restart(
    "the certificate was renewed",
    "It fetches the new certificate, but serves the old one until it starts again.",
    days=80,
)
_READ_USERS = Restart("the users changed", "It reads its repository only when it starts.")
_BANNER = Probe(ProbeKind.SMTP, 25, 60, "It answers as soon as it runs.")
_CERTIFICATE = "The first certificate takes minutes; until then it ends and is started again."


def _same(secrets: tuple[Secret, ...]) -> Mapping[Era, tuple[Secret, ...]]:
    return dict.fromkeys(Era, secrets)


_SSH = Secret("--ssh-key", "ssh-key", "its SSH key for the git host")
_TSIG = Secret("--dns-key", "dns-key", "its TSIG key for the zone")
_TLS = Secret("--key-seed", "key-seed", "the seed of its TLS key", stays=True)
_ACCOUNT = Secret("--account-key-seed", "account-key-seed", "the seed of its account's key", stays=True)
_DKIM = {
    era: (Secret(option, "dkim-seed", "the seed of the DKIM key", stays=True), _TSIG)
    for era, option in ((Era.P22, "--private-key"), (Era.P23, "--private-key"), (Era.P24, "--seed"))
}
_OPEN_RELAY = (
    "It accepts mail for any recipient, and the relay delivers it: on a public port 25 it is an open relay. "
    "Put a guard in front that knows the domain's addresses, or decide to take the risk."
)
_DROPS_OWN = "Images of this generation drop mail for the domain's own addresses; only p23 receives it."

RESOLVER = Role(
    name="resolver",
    title="DNS resolver",
    does="finds the mail servers of other domains",
    image="resolver.hvt",
    memory=64,
    options=options.RESOLVER,
    ports=(Port(53, _BOTH),),
    needs=(Need(53, _BOTH, INTERNET, "asks the Internet's name servers"),),
    secrets=_same(()),
    depends_on=(),
    writes=(),
    probe=Probe(ProbeKind.RECURSION, 53, 60, "It asks the root servers first."),
    shareable=True,
)
PRIMARY = Role(
    name="primary",
    title="primary DNS server",
    does="serves the zone, and takes changes from the others",
    image="primary-git.hvt",
    memory=256,
    options=options.PRIMARY,
    ports=(Port(53, _BOTH, public=True),),
    needs=(Need(22, _TCP, GIT, "reads and writes the zones' repository"),),
    secrets=_same((_SSH,)),
    depends_on=(),
    writes=(),
    probe=Probe(ProbeKind.AUTHORITY, 53, 90, "It fetches the zones' repository first."),
    single_writer=True,
    shareable=True,
)
LETSENCRYPT = Role(
    name="letsencrypt",
    title="Let's Encrypt secondary",
    does="gets certificates for the host names that ask for one in the zone",
    image="letsencrypt.hvt",
    memory=256,
    options=options.LETSENCRYPT,
    ports=(),
    needs=(
        Need(443, _TCP, INTERNET, "talks to Let's Encrypt"),
        Need(53, _BOTH, INTERNET, "looks up Let's Encrypt"),
        _ASK_PRIMARY,
    ),
    secrets=_same((_TSIG, _ACCOUNT)),
    depends_on=("primary",),
    writes=(
        DnsWrite("_acme-challenge.{host}", "TXT", "for each certificate; never removed"),
        DnsWrite("_letsencrypt._tcp.{host}", "TLSA", "when a certificate was issued"),
    ),
    probe=Probe(ProbeKind.RUNNING, 0, 10, "It ends at once when the primary refuses its key."),
    single_writer=True,
    shareable=True,
)
RELAY = Role(
    name="relay",
    title="relay",
    does="puts targets in the place of addresses, and delivers to the Internet",
    image="relay.hvt",
    memory=256,
    options=options.RELAY,
    ports=_SMTP_IN,
    needs=(_GIT_NEED, _RESOLVE, Need(25, _TCP, INTERNET, "delivers mail")),
    secrets=_same((_SSH,)),
    depends_on=("resolver",),
    writes=(),
    probe=Probe(ProbeKind.SMTP, 25, 90, "It fetches the users' repository first."),
    restarts=(_READ_USERS,),
)
SIGNER = Role(
    name="signer",
    title="DKIM signer",
    does="signs outgoing mail",
    image="signer.hvt",
    memory=256,
    options=options.SIGNER,
    ports=_SMTP_IN,
    needs=(_ASK_PRIMARY, Need(25, _TCP, "relay", "hands mail on")),
    secrets=_DKIM,
    depends_on=("primary", "relay"),
    writes=(DnsWrite("{selector}._domainkey.{domain}", "TXT", "at boot, unless the primary has it"),),
    probe=Probe(ProbeKind.SMTP, 25, 90, "It compares its key with the zone first."),
)
SUBMISSION = Role(
    name="submission",
    title="submission server",
    does="takes mail from people's mail programs",
    image="submission.hvt",
    memory=256,
    options=options.SUBMISSION,
    ports=(Port(465, public=True),),
    needs=(_GIT_NEED, _ASK_PRIMARY, Need(25, _TCP, "signer", "hands mail on")),
    secrets=_same((_SSH, _TSIG, _TLS)),
    depends_on=("primary", "letsencrypt", "signer"),
    writes=(_ACME,),
    probe=Probe(ProbeKind.SMTPS, 465, 900, _CERTIFICATE),
    restarts=(_READ_USERS, _OLD_CERTIFICATE),
)
SPAMFILTER = Role(
    name="spamfilter",
    title="spam filter",
    does="marks incoming mail as spam or not, and blocks nothing",
    image="spamfilter.hvt",
    memory=256,
    options=options.SPAMFILTER,
    ports=_SMTP_IN,
    needs=(Need(25, _TCP, "relay", "hands mail on"),),
    secrets=_same(()),
    depends_on=("relay",),
    writes=(),
    probe=_BANNER,
    advice=dict.fromkeys(Era, ("Mail that it cannot parse is dropped without a word.",)),
)
VERIFIER = Role(
    name="verifier",
    title="receiver",
    does="takes mail from the Internet, and notes the result of SPF",
    image="verifier.hvt",
    memory=256,
    options=options.VERIFIER,
    ports=(Port(25, public=True),),
    needs=(_ASK_PRIMARY, _RESOLVE, Need(25, _TCP, "spamfilter", "hands mail on")),
    secrets=_same((_TSIG, _TLS)),
    depends_on=("primary", "letsencrypt", "resolver", "spamfilter"),
    writes=(_ACME,),
    probe=Probe(ProbeKind.SMTP_STARTTLS, 25, 900, _CERTIFICATE),
    restarts=(_OLD_CERTIFICATE,),
    advice={
        Era.P22: (_OPEN_RELAY, _DROPS_OWN),
        Era.P23: (_OPEN_RELAY,),
        Era.P24: (_OPEN_RELAY, _DROPS_OWN),
    },
)

ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (RESOLVER, PRIMARY, LETSENCRYPT, RELAY, SIGNER, SUBMISSION, SPAMFILTER, VERIFIER)
}
"""All eight, in an order in which every role comes after those it depends on."""
