"""The records that a domain's mail needs, from where its server is and who else may send: what is proposed.

Only what differs from the zone is proposed, and what else stands in the same set (another text beside SPF,
another CAA record) is kept. DKIM is not among it: ptt's signer publishes its key itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from tenants.formats.text import FormatError, printable
from tenants.formats.zones.names import Name
from tenants.formats.zones.stored import owner_text, typed_owner

__all__ = ["DMARC_POLICIES", "MailWish", "Proposal", "mail_proposals", "read_wish", "sts_policy"]

DMARC_POLICIES = ("none", "quarantine", "reject")
_MOST = 20
_SPF_LOOKUPS = 10  # RFC 7208 §4.6.4
_MAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@(?P<domain>[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?)")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
Sets = Mapping[tuple[str, str], Sequence[str]]


@dataclass(frozen=True)
class MailWish:
    """Where mail is received, and how strict the world should be. `reports` is a mail address, or empty."""

    origin: Name
    host: Name
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    senders: tuple[str, ...] = ()
    policy: str = "none"
    reports: str = ""
    issuer: str = ""
    strict_tls: bool = False


@dataclass(frozen=True)
class Proposal:
    """One record set as it should be; `about` names it for people, `why` says what it is good for."""

    owner: str
    type: str
    data: tuple[str, ...]
    about: str
    why: str


def read_wish(
    domain: str,
    *,
    host: str,
    addresses: str = "",
    senders: str = "",
    policy: str = "none",
    reports: str = "",
    issuer: str = "",
    strict_tls: bool = False,
) -> MailWish:
    """Return what somebody typed: several addresses and senders with blanks or commas between them.

    Raises FormatError, whose field is a parameter's name.
    """
    origin = Name.of(domain)
    try:
        at = typed_owner(host or "mail", origin)
    except FormatError as error:
        raise FormatError("host", error.problem, error.fix) from error
    if not _HOST.fullmatch(owner_text(at)) or _is_address(host):
        raise FormatError("host", f"“{printable(host, 80)}” is no host.", "Write a name such as mail.")
    found = tuple(_address(word) for word in _words("addresses", addresses))
    others = tuple(word.lower().removesuffix(".") for word in _words("senders", senders))
    for sender in others:
        if not _HOST.fullmatch(sender):
            problem = f"“{printable(sender, 80)}” is no name of a domain."
            raise FormatError("senders", problem, "Write such as _spf.example.net, or leave it empty.")
    if len(others) > _SPF_LOOKUPS:
        problem = f"SPF is ignored when it leads to more than {_SPF_LOOKUPS} questions (RFC 7208)."
        raise FormatError("senders", problem, "Name fewer, or their addresses.")
    if policy not in DMARC_POLICIES:
        raise FormatError("policy", "This is no policy of DMARC.", f"Choose {', '.join(DMARC_POLICIES)}.")
    reports = reports.strip()
    if reports and not _MAIL.fullmatch(reports):
        problem = f"“{printable(reports, 80)}” is no mail address."
        raise FormatError("reports", problem, "Write one, or leave it empty.")
    issuer = issuer.strip().lower()
    if issuer and not _HOST.fullmatch(issuer):
        problem = f"“{printable(issuer, 80)}” is no name of a certificate authority."
        raise FormatError("issuer", problem, "Write such as letsencrypt.org, or leave it empty.")
    return MailWish(origin, at, found, others, policy, reports, issuer, strict_tls)


def _words(field: str, text: str) -> list[str]:
    words = text.replace(",", " ").split()
    if len(words) > _MOST:
        raise FormatError(field, f"These are {len(words)}.", f"Write at most {_MOST}.")
    return words


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def _address(word: str) -> IPv4Address | IPv6Address:
    try:
        found = ip_address(word)
    except ValueError:
        problem = f"“{printable(word, 60)}” is no IP address."
        raise FormatError("addresses", problem, "Write such as 192.0.2.25 or 2001:db8::25.") from None
    if getattr(found, "scope_id", None) or getattr(found, "ipv4_mapped", None):
        problem = f"{word} is no address that others can reach."
        raise FormatError("addresses", problem, "Leave out the zone after the %, or the ::ffff: before it.")
    return found


def mail_proposals(wish: MailWish, present: Sets) -> tuple[Proposal, ...]:
    """Return what should be set; `present` has the texts of sets by owner and type, as rows keep them."""
    return tuple(
        each
        for each in _wanted(wish, present)
        if sorted(each.data) != sorted(present.get((each.owner, each.type), ()))
    )


def _wanted(wish: MailWish, present: Sets) -> Iterator[Proposal]:
    domain, host = owner_text(wish.origin), owner_text(wish.host)
    if wish.host.within(wish.origin):
        for kind, version in (("A", 4), ("AAAA", 6)):
            found = tuple(str(each) for each in wish.addresses if each.version == version)
            if found:
                yield Proposal(host, kind, found, "Address", f"Others find {host} by it.")
    yield Proposal(domain, "MX", (f"10 {host}.",), "MX", f"Mail for {domain} goes to {host}.")
    spf = " ".join(["v=spf1", *_spf(wish), "~all" if wish.policy == "none" else "-all"])
    why = "Who receives mail sees which servers may send it in your name."
    yield _text(domain, "v=spf1", spf, "SPF", why, present)
    reports = f"; rua=mailto:{wish.reports}" if wish.reports else ""
    dmarc = f"v=DMARC1; p={wish.policy}{reports}"
    why = "Says what becomes of mail in your name that neither SPF nor DKIM covers."
    yield _text(f"_dmarc.{domain}", "v=dmarc1", dmarc, "DMARC", why, present)
    if wish.strict_tls:
        mark = hashlib.sha256(sts_policy(wish).encode()).hexdigest()[:20]
        why = f"Others send to you over TLS only, once https://mta-sts.{domain} serves the policy below."
        yield _text(f"_mta-sts.{domain}", "v=stsv1", f"v=STSv1; id={mark}", "MTA-STS", why, present)
    if wish.reports:
        text = f"v=TLSRPTv1; rua=mailto:{wish.reports}"
        why = "Others tell you when TLS to your server fails."
        yield _text(f"_smtp._tls.{domain}", "v=tlsrptv1", text, "TLS-RPT", why, present)
    if wish.issuer:
        texts = present.get((domain, "CAA"), ())
        issue = f'0 issue "{wish.issuer}"'
        data = (*texts, issue) if issue not in texts else tuple(texts)
        yield Proposal(domain, "CAA", data, "CAA", f"Only {wish.issuer} may issue certificates.")


def _spf(wish: MailWish) -> list[str]:
    own = [f"ip{each.version}:{each}" for each in wish.addresses]
    return [*(own or ["mx"]), *(f"include:{each}" for each in wish.senders)]


def _text(owner: str, mark: str, text: str, about: str, why: str, present: Sets) -> Proposal:
    """One text of its kind, beside texts of other kinds."""
    known = present.get((owner, "TXT"), ())
    others = [each for each in known if not each.lower().startswith(f'"{mark}')]
    return Proposal(owner, "TXT", (*others, f'"{text}"'), about, why)


def sts_policy(wish: MailWish) -> str:
    """Return the policy that a web server has to show for MTA-STS (RFC 8461 §3.2), with its line ends."""
    host = owner_text(wish.host)
    return f"version: STSv1\r\nmode: testing\r\nmx: {host}\r\nmax_age: 604800\r\n"
