"""Checks of what makes others believe mail of the domain: SPF, DKIM, DMARC."""

from __future__ import annotations

from collections.abc import Iterator

from tenants.formats.exchanges import is_host
from tenants.formats.mail_checks.expected import DkimKey, Expected, Match, compare, exactly
from tenants.formats.mail_checks.finding import Finding, Level, Who, shown
from tenants.formats.mail_checks.reading import Lookup, Reading, Status
from tenants.formats.mail_checks.servers import clock
from tenants.formats.mail_checks.spf_record import (
    MOST_LOOKUPS,
    MOST_VOID,
    Unreadable,
    cost,
    read_spf,
    spf_texts,
    verdict,
)
from tenants.formats.zones.dkim_record import published_key

__all__ = ["dkim", "dmarc", "spf", "tags"]

_CLOSE = 8
_MOST_SENDERS = 4
_MOST_PARENTS = 4


def tags(text: str) -> dict[str, str]:
    """The tags of a record like `v=DMARC1; p=none` (names in lower case); the first of equal names counts."""
    found: dict[str, str] = {}
    for part in text.split(";")[:50]:
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


# SPF ------------------------------------------------------------------------------------------------------


def spf(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the SPF record is there once, can be read, is cheap enough and lets the mail servers send."""
    domain = expected.domain
    said = reading.said(domain, "TXT")
    texts = spf_texts(said)
    if said.failed:
        text = f"The SPF record of {domain} is not known: {said.problem or 'no answer'}."
        yield Finding("spf", Level.UNKNOWN, text)
        return
    waiting = _spf_on_its_way(expected, reading, texts)
    if waiting is not None:
        yield waiting
        return
    if len(texts) != 1:
        yield _not_one(expected, texts)
        return
    try:
        terms = read_spf(texts[0])
    except Unreadable as error:
        text = (
            f"The SPF record of {domain} is wrong: {error}. Receivers then act as if it forbade everything."
        )
        yield Finding("spf", Level.FAIL, text, seen=texts, who=expected.keeper, fix="Correct that term.")
        return
    ends = [each for each in terms if each.mechanism in {"all", "redirect"}]
    if any(each.mechanism == "all" and each.qualifier == "+" for each in ends):
        text = f"The SPF record of {domain} lets the whole world send in its name (+all)."
        yield Finding("spf", Level.FAIL, text, seen=texts, who=expected.keeper, fix="End it with -all.")
        return
    yield from _weighed(expected, reading, texts)
    if not ends or any(each.mechanism == "all" and each.qualifier == "?" for each in ends):
        text = f"The SPF record of {domain} forbids nothing: it does not end with -all or ~all."
        yield Finding("spf", Level.RECOMMENDED, text, "end", texts, (), expected.keeper, "End it with -all.")


def _spf_on_its_way(expected: Expected, reading: Reading, texts: tuple[str, ...]) -> Finding | None:
    """The old record is still kept somewhere, or what Rookery writes is not what is answered."""
    wanted_set = expected.records_of(expected.domain, "TXT")
    wanted = tuple(each for each in wanted_set or () if each.lower().startswith("v=spf1"))
    if wanted_set is None or not wanted or frozenset(wanted) == frozenset(texts):
        return None
    found = compare(expected, reading, expected.domain, "TXT", exactly(wanted_set))
    if found.match is Match.WAITING:
        text = (
            f"The SPF record of {expected.domain} is on its way: old answers are kept until {clock(found)}."
        )
        return Finding("spf", Level.WAITING, text, seen=texts, wanted=wanted, until=found.until)
    text = f"The SPF record of {expected.domain} is not the one that Rookery writes."
    return Finding("spf", Level.FAIL, text, "", texts, wanted, expected.keeper, "Publish it as it should be.")


def _not_one(expected: Expected, texts: tuple[str, ...]) -> Finding:
    senders = " ".join(f"ip{6 if ':' in each else 4}:{each}" for each in sorted(expected.senders))
    if not texts:
        return Finding(
            "spf",
            Level.FAIL,
            f"{expected.domain} has no SPF record: large providers refuse its mail or call it spam.",
            wanted=(f"v=spf1 {senders} -all",) if senders else (),
            who=expected.keeper,
            fix="Add a TXT record that names the servers from which mail leaves.",
        )
    return Finding(
        "spf",
        Level.FAIL,
        f"{expected.domain} has {len(texts)} SPF records. With more than one, none counts (RFC 7208).",
        seen=texts,
        who=expected.keeper,
        fix="Remove all but one. The tool ptt.spf only adds: it leaves the old one behind.",
    )


def _weighed(expected: Expected, reading: Reading, texts: tuple[str, ...]) -> Iterator[Finding]:
    domain = expected.domain
    price = cost(domain, reading)
    refused = {
        address: said
        for address in sorted(expected.senders)[:_MOST_SENDERS]
        if (said := verdict(domain, address, reading)) not in {"pass", "unknown"}
    }
    counted = f"It costs {price.lookups} of {MOST_LOOKUPS} look-ups."
    if price.problems:
        text = f"The SPF record of {domain} does not work: {shown(price.problems)}."
        yield Finding("spf", Level.FAIL, text, "", texts, (), expected.keeper, "Correct or remove that part.")
    elif price.lookups > MOST_LOOKUPS or price.void > MOST_VOID:
        what = (
            f"makes receivers look up {price.lookups} names; {MOST_LOOKUPS} are allowed"
            if price.lookups > MOST_LOOKUPS
            else f"names {price.void} hosts that do not exist; {MOST_VOID} are allowed"
        )
        text = f"The SPF record of {domain} {what}, so it counts as broken."
        yield Finding(
            "spf", Level.FAIL, text, "", texts, (), expected.keeper, "Write addresses (ip4:, ip6:) instead."
        )
    elif refused:
        address, what = next(iter(refused.items()))
        text = f"The SPF record of {domain} does not allow {address}, from where its mail leaves ({what})."
        kind = "ip6" if ":" in address else "ip4"
        fix = f"Add {kind}:{address} before its end."
        yield Finding("spf", Level.FAIL, text, "", texts, (), expected.keeper, fix)
    elif price.lookups > _CLOSE:
        text = f"The SPF record of {domain} is near its limit. {counted}"
        fix = "Write addresses (ip4:, ip6:) instead: an included provider may add look-ups any day."
        yield Finding("spf", Level.WARN, text, "", texts, (), expected.keeper, fix)
    else:
        allows = f" It allows {shown(expected.senders)}." if expected.senders else ""
        yield Finding("spf", Level.OK, f"{domain} has one SPF record.{allows} {counted}")


# DKIM -----------------------------------------------------------------------------------------------------


def dkim(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the published key is the one with which the signer signs."""
    if not expected.dkim:
        text = "Rookery does not know which key signs mail of this domain, so it cannot compare it."
        yield Finding("dkim", Level.INFO, text)
    reading.need(*[Lookup(_key_name(expected, each), "TXT") for each in expected.dkim])
    for key in expected.dkim:
        yield _judge_key(expected, reading, key)


def _key_name(expected: Expected, key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{expected.domain}"


def _judge_key(expected: Expected, reading: Reading, key: DkimKey) -> Finding:
    name = _key_name(expected, key)
    said = reading.said(name, "TXT")
    keys = _keys(said.records)
    wanted = (f"p={key.public_key}",)
    if said.failed:
        text = f"The DKIM key {key.selector} is not known: {said.problem or 'no answer'}."
        return Finding("dkim", Level.UNKNOWN, text, key.selector)
    if keys == [key.public_key]:
        if "y" in tags(said.records[0]).get("t", "").split(":"):
            text = f"The DKIM key {key.selector} is marked as a test (t=y): receivers may ignore it."
            fix = "Remove t=y from the record."
            return Finding("dkim", Level.WARN, text, key.selector, said.records, (), Who.DNS, fix)
        text = f"The DKIM key {key.selector} is the one with which the signer signs."
        return Finding("dkim", Level.OK, text, key.selector)
    found = compare(expected, reading, name, "TXT", lambda records: _keys(records) == [key.public_key])
    if found.match is Match.WAITING:
        text = f"The DKIM key {key.selector} is on its way: old answers are kept until {clock(found)}."
        return Finding("dkim", Level.WAITING, text, key.selector, said.records, wanted, until=found.until)
    copy = f"Copy the record of {name} from the domain's DKIM keys into the DNS there."
    if not said.records:
        what, fix = "is not published", "Start the signer: it publishes the key when it starts."
    elif len(said.records) > 1:
        what, fix = "is published more than once", "Remove the old record; the signer only adds."
    elif keys == [""]:
        what, fix = "is revoked (an empty p=)", "Publish the key again."
    else:
        what, fix = "is not the one with which the signer signs", "Remove the record and restart the signer."
    if not expected.servers:  # no signer writes there
        fix = "Remove the old record there." if len(said.records) > 1 else copy
    text = f"The DKIM key {key.selector} {what}: signatures do not verify."
    return Finding("dkim", Level.FAIL, text, key.selector, said.records, wanted, expected.keeper, fix)


def _keys(records: tuple[str, ...]) -> list[str | None]:
    return [published_key(each.encode("utf-8", "replace")) for each in records]


# DMARC ----------------------------------------------------------------------------------------------------


def dmarc(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the domain says what to do with mail that neither SPF nor DKIM proves (RFC 7489)."""
    found = _policy(expected.domain, reading)
    if found is None:
        text = f"The DMARC record of {expected.domain} is not known: no answer."
        yield Finding("dmarc", Level.UNKNOWN, text)
        return
    name, texts = found
    wanted = expected.records_of(f"_dmarc.{expected.domain}", "TXT")
    if wanted is not None and frozenset(texts) != wanted:
        yield _dmarc_differs(expected, reading, texts, wanted)
        return
    if len(texts) != 1:
        what = "no DMARC policy" if not texts else f"{len(texts)} DMARC records, so none counts"
        text = f"{expected.domain} has {what}: large providers distrust its mail."
        fix = f"Publish one TXT record at _dmarc.{expected.domain}."
        suggested = () if texts else ("v=DMARC1; p=none",)
        yield Finding("dmarc", Level.WARN, text, "", texts, suggested, expected.keeper, fix)
        return
    yield from _judge_policy(expected, reading, name, texts[0])


def _policy(domain: str, reading: Reading) -> tuple[str, tuple[str, ...]] | None:
    """The records of the domain, else of the nearest domain above with any; None: nobody says."""
    labels = domain.split(".")
    names = [".".join(labels[start:]) for start in range(max(1, min(len(labels) - 1, _MOST_PARENTS)))]
    for name in names:
        said = reading.said(f"_dmarc.{name}", "TXT")
        if said.failed:
            return None
        texts = tuple(each for each in said.records if each.startswith("v=DMARC1"))
        if texts:
            return name, texts
    return domain, ()


def _dmarc_differs(
    expected: Expected, reading: Reading, texts: tuple[str, ...], wanted: frozenset[str]
) -> Finding:
    should = tuple(sorted(wanted))
    found = compare(expected, reading, f"_dmarc.{expected.domain}", "TXT", exactly(wanted))
    if found.match is Match.WAITING:
        text = (
            f"The DMARC policy of {expected.domain} is on its way: old answers are kept until {clock(found)}."
        )
        return Finding("dmarc", Level.WAITING, text, seen=texts, wanted=should, until=found.until)
    text = f"The DMARC policy of {expected.domain} is not the one that Rookery writes."
    return Finding(
        "dmarc", Level.FAIL, text, "", texts, should, expected.keeper, "Publish it as it should be."
    )


def _judge_policy(expected: Expected, reading: Reading, name: str, text: str) -> Iterator[Finding]:
    said = tags(text)
    inherited = name != expected.domain
    word = (said.get("sp") if inherited else None) or said.get("p", "")
    policy = word.lower()
    source = f" (from {name})" if inherited else ""
    if policy not in {"none", "quarantine", "reject"}:
        sentence = f"The DMARC record of {name} has no policy that anybody knows."
        fix = "Write p=none, p=quarantine or p=reject right after v=DMARC1."
        yield Finding("dmarc", Level.WARN, sentence, "", (text,), (), expected.keeper, fix)
    elif policy == "none":
        sentence = f"The DMARC policy of {expected.domain} is “none”{source}: forged mail is let through."
        fix = "Once SPF and DKIM are right, make it p=quarantine."
        yield Finding("dmarc", Level.RECOMMENDED, sentence, "", (text,), (), expected.keeper, fix)
    else:
        yield Finding("dmarc", Level.OK, f"The DMARC policy of {expected.domain} is “{policy}”{source}.")
    for host in _strangers(said, name):
        consent = reading.said(f"{name}._report._dmarc.{host}", "TXT")
        if consent.status is not Status.FAILED and not any(
            each.startswith("v=DMARC1") for each in consent.records
        ):
            sentence = (
                f"DMARC reports go to {host}, which does not say that it wants them: nobody sends them."
            )
            fix = f"A TXT record “v=DMARC1” is needed at {name}._report._dmarc.{host}."
            yield Finding("dmarc", Level.WARN, sentence, f"reports to {host}", who=Who.STRANGER, fix=fix)


def _strangers(said: dict[str, str], name: str) -> list[str]:
    """The hosts outside the domain to which reports go."""
    found: list[str] = []
    for uri in (said.get("rua", "") + "," + said.get("ruf", "")).split(",")[:10]:
        scheme, _, address = uri.strip().partition(":")
        host = address.partition("!")[0].rpartition("@")[2].lower()
        related = host == name or host.endswith(f".{name}") or name.endswith(f".{host}")
        if scheme.lower() == "mailto" and is_host(host) and not related:
            found.append(host)
    return list(dict.fromkeys(found))[:3]
