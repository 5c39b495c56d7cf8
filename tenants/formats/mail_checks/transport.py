"""Checks of the promises of encryption, and of who may issue certificates: MTA-STS, TLS-RPT, TLSA, CAA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level, Who, shown
from tenants.formats.mail_checks.reading import Connected, Lookup, Reading
from tenants.formats.mail_checks.sending import tags

__all__ = ["StsPolicy", "caa", "mta_sts", "read_policy", "tls_rpt", "tlsa"]

_DAY = 86_400
_MOST_PATTERNS = 50
_MOST_TLSA = 10


@dataclass(frozen=True)
class StsPolicy:
    """A policy of RFC 8461 §3.2: `mode` is enforce, testing or none; `age` in seconds."""

    mode: str
    age: int
    patterns: tuple[str, ...]

    def allows(self, host: str) -> bool:
        """A pattern is a host, or *. before one, which stands for exactly one label (§4.1)."""
        rest = host.partition(".")[2]
        return any(each in (host, f"*.{rest}") for each in self.patterns)


def read_policy(text: str) -> StsPolicy | None:
    """Return the policy that a file says; None for what is none."""
    said: dict[str, list[str]] = {}
    for line in text[:65_536].splitlines()[: _MOST_PATTERNS + 10]:
        name, colon, value = line.partition(":")
        if colon:
            said.setdefault(name.strip(), []).append(value.strip())
    age = said.get("max_age", [""])[0]
    mode = said.get("mode", [""])[0]
    if said.get("version", [""])[0] != "STSv1" or mode not in {"enforce", "testing", "none"}:
        return None
    if not (age.isascii() and age.isdigit() and len(age) <= 10):
        return None
    patterns = tuple(each.lower().removesuffix(".") for each in said.get("mx", []))
    return StsPolicy(mode, int(age), patterns) if patterns or mode == "none" else None


def mta_sts(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the domain's promise of encrypted mail is there and fits its mail servers (RFC 8461)."""
    domain = expected.domain
    said = reading.said(f"_mta-sts.{domain}", "TXT")
    texts = tuple(each for each in said.records if each.startswith("v=STSv1"))
    if said.failed:
        text = f"Whether {domain} has an MTA-STS policy is not known: {said.problem or 'no answer'}."
        yield Finding("mta-sts", Level.UNKNOWN, text)
    elif not texts:
        text = f"{domain} does not promise that its mail servers speak TLS (MTA-STS)."
        fix = (
            "A policy needs a web server at mta-sts."
            + domain
            + " and a TXT record at _mta-sts."
            + domain
            + "."
        )
        yield Finding("mta-sts", Level.RECOMMENDED, text, who=expected.keeper, fix=fix)
    elif len(texts) > 1 or not tags(texts[0]).get("id", "").isalnum():
        text = f"The MTA-STS record of {domain} is wrong, so it counts as none."
        fix = "Keep one record, with an id of letters and digits: “v=STSv1; id=20260101”."
        yield Finding("mta-sts", Level.WARN, text, "", texts, (), expected.keeper, fix)
    else:
        yield _judge_policy(expected, reading)


def _judge_policy(expected: Expected, reading: Reading) -> Finding:
    domain = expected.domain
    file = reading.policy(domain)
    policy = read_policy(file.text) if not file.problem else None
    if policy is None:
        what = f"cannot be fetched: {file.problem}" if file.problem else "cannot be read"
        text = f"{domain} announces an MTA-STS policy, but it {what}."
        fix = f"Serve it at https://mta-sts.{domain}/.well-known/mta-sts.txt, or remove the TXT record."
        return Finding("mta-sts", Level.WARN, text, who=Who.SERVER, fix=fix)
    left_out = [host for host in reading.exchangers(domain) if not policy.allows(host)]
    if left_out and policy.mode != "none":
        lost = policy.mode == "enforce"
        what = "careful senders deliver nothing there" if lost else "that would lose mail if it were enforced"
        text = f"The MTA-STS policy of {domain} leaves out {shown(left_out)}: {what}."
        fix = "Name every host of the MX records in the policy, and change its id."
        level = Level.FAIL if lost else Level.WARN
        return Finding(
            "mta-sts", level, text, "", policy.patterns, reading.exchangers(domain), Who.SERVER, fix
        )
    if policy.mode != "enforce":
        text = f"The MTA-STS policy of {domain} is in the mode “{policy.mode}”: nobody has to keep to it."
        fix = "When its reports are quiet, set the mode to enforce and change its id."
        return Finding("mta-sts", Level.RECOMMENDED, text, who=Who.SERVER, fix=fix)
    if policy.age < _DAY:
        text = f"The MTA-STS policy of {domain} is forgotten after {policy.age} seconds, too soon to protect."
        return Finding("mta-sts", Level.WARN, text, who=Who.SERVER, fix="Set max_age to 604800 (a week).")
    return Finding("mta-sts", Level.OK, f"{domain} promises TLS at {shown(policy.patterns)} (MTA-STS).")


def tls_rpt(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether others are told where to report trouble with TLS (RFC 8460)."""
    name = f"_smtp._tls.{expected.domain}"
    said = reading.said(name, "TXT")
    texts = tuple(each for each in said.records if each.startswith("v=TLSRPTv1"))
    targets = tags(texts[0]).get("rua", "") if texts else ""
    if said.failed:
        text = f"Whether {expected.domain} wants reports about TLS is not known."
        yield Finding("tls-rpt", Level.UNKNOWN, text)
    elif not texts:
        promised = any(
            each.startswith("v=STSv1") for each in reading.said(f"_mta-sts.{expected.domain}", "TXT").records
        )
        text = f"Nobody tells {expected.domain} when mail to it fails for want of TLS (TLS-RPT)."
        fix = f"Add a TXT record at {name}: “v=TLSRPTv1; rua=mailto:you@{expected.domain}”."
        level = Level.RECOMMENDED if promised else Level.INFO
        yield Finding("tls-rpt", level, text, who=expected.keeper if promised else Who.NOBODY, fix=fix)
    elif len(texts) > 1 or not targets.startswith(("mailto:", "https:")):
        text = f"The TLS-RPT record of {expected.domain} is wrong, so nobody reports."
        fix = "Keep one record, with rua=mailto: and an address."
        yield Finding("tls-rpt", Level.WARN, text, "", texts, (), expected.keeper, fix)
    else:
        yield Finding("tls-rpt", Level.OK, f"Trouble with TLS is reported to {shown([targets])}.")


# TLSA -----------------------------------------------------------------------------------------------------


def tlsa(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether TLSA records (DANE, RFC 7672) are signed, and fit what the mail servers show."""
    hosts = reading.exchangers(expected.domain)
    reading.need(*[Lookup(f"_25._tcp.{host}", "TLSA") for host in hosts])
    for host in hosts:
        said = reading.said(f"_25._tcp.{host}", "TLSA")
        keeper = expected.keeper if host.endswith(f".{expected.domain}") else Who.STRANGER
        if said.failed:
            text = f"Careful senders cannot learn whether {host} has TLSA records, and then send nothing."
            fix = "The name server of the host has to answer questions for types that it does not know."
            yield Finding("tlsa", Level.WARN, text, host, who=keeper, fix=fix)
        elif not said.records:
            text = f"{host} has no TLSA record for mail (DANE), which needs a signed zone."
            yield Finding("tlsa", Level.INFO, text, host)
        elif not said.authentic:
            text = f"{host} has TLSA records that are not signed (DNSSEC): nobody looks at them."
            yield Finding("tlsa", Level.INFO, text, host, said.records)
        else:
            yield _judge_tlsa(reading, host, said.records, keeper)


def _judge_tlsa(reading: Reading, host: str, records: tuple[str, ...], keeper: Who) -> Finding:
    seen = [reading.connected(address, 25, host) for address in reading.addresses(host)]
    shown_ones = [each for each in seen if each.certificate]
    if not shown_ones:
        text = f"{host} has TLSA records, and no TLS to compare them with."
        fix = "Switch TLS on at the mail server, or remove the records."
        return Finding("tlsa", Level.FAIL, text, host, records, (), keeper, fix)
    others = any(each.split()[0:1] != ["3"] for each in records[:_MOST_TLSA])
    if all(any(_fits(record, each) for record in records[:_MOST_TLSA]) for each in shown_ones):
        return Finding("tlsa", Level.OK, f"The TLSA records of {host} fit its certificate.", host)
    if others:
        text = f"{host} has TLSA records for an authority (usage 2), which Rookery does not follow."
        return Finding("tlsa", Level.INFO, text, host, records)
    wanted = tuple(f"3 1 1 {hashlib.sha256(each.public_key).hexdigest()}" for each in shown_ones[:1])
    text = f"The TLSA records of {host} are not about the certificate that it shows: careful senders stop."
    return Finding("tlsa", Level.FAIL, text, host, records, wanted, keeper, "Publish the new key's record.")


def _fits(record: str, seen: Connected) -> bool:
    """Whether a TLSA record of usage 3 (the server's own certificate) is about what was shown."""
    fields = record.lower().split()
    if len(fields) < 4 or fields[0] != "3":
        return False
    whole = {"0": seen.certificate, "1": seen.public_key}.get(fields[1])
    if not whole:
        return False
    digests = {
        "0": whole.hex(),
        "1": hashlib.sha256(whole).hexdigest(),
        "2": hashlib.sha512(whole).hexdigest(),
    }
    return "".join(fields[3:]) == digests.get(fields[2])


# CAA ------------------------------------------------------------------------------------------------------


def caa(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the authority that issues the mail servers' certificates may do so (RFC 8659)."""
    own = [each for each in reading.exchangers(expected.domain) if each.endswith(f".{expected.domain}")]
    for host in dict.fromkeys((*own, *expected.submission)):
        found = _allowed(host, reading)
        if found is None:
            yield Finding("caa", Level.UNKNOWN, f"Who may issue certificates for {host} is not known.", host)
            continue
        name, records = found
        issuers = {each.partition(";")[0].strip() for each in _values(records)}
        if not issuers:
            text = f"Any authority may issue certificates for {host}: there is no CAA record."
            fix = f'Add the record 0 issue "{expected.issuer}" at {expected.domain}.'
            yield Finding("caa", Level.INFO, text, host, fix=fix)
        elif expected.issuer in issuers:
            yield Finding("caa", Level.OK, f"{expected.issuer} may issue certificates for {host}.", host)
        else:
            text = f"{expected.issuer} may not issue certificates for {host}: {name} allows {shown(records)}."
            fix = "Allow it, or the next renewal fails."
            wanted = (f'0 issue "{expected.issuer}"',)
            yield Finding("caa", Level.FAIL, text, host, records, wanted, expected.keeper, fix)


def _allowed(host: str, reading: Reading) -> tuple[str, tuple[str, ...]] | None:
    """The CAA records that hold for a host, and the name that has them; None when nobody says."""
    labels = host.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))][:8]
    for name in names:
        said = reading.said(name, "CAA")
        if said.failed:
            return None
        if said.records:
            return name, said.records
    return host, ()


def _values(records: tuple[str, ...]) -> list[str]:
    """What `issue` properties say. One that is empty, or only “;”, allows nobody."""
    fields = [each.split(None, 2) for each in records]
    return [each[2].strip('"') for each in fields if len(each) == 3 and each[1].lower() == "issue"]
