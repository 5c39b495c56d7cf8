"""What the seeds' installations look like when they are explained, and what is said when one is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.existing import rules
from tenants.formats.existing.arguments import see_arguments
from tenants.formats.existing.guess import Certainty, KnownImage, guess_all, role_of_label
from tenants.formats.existing.painting import paint
from tenants.formats.existing.picture import Notice, Picture, Seen, Weight
from tenants.formats.existing.rules import read_rules
from tenants.formats.existing.seen import SeenHost, SeenRules, SeenUnikernel, SeenUsers, dump, load
from tenants.formats.existing.zone import unserved
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era
from tests.existing.installations import (
    ARTICLE,
    ARTICLE_RULES,
    DOMAIN,
    KEYS,
    PUBLIC,
    SECRETS,
    ZONE,
    article,
    deployer,
    mark,
    unikernel,
    with_arguments,
    zone,
)

OF_LABEL = {"primary-git": "primary"}


def codes(picture: Picture) -> set[str]:
    return {each.code for each in picture.notices}


def notice(picture: Picture, code: str) -> Notice:
    found = [each for each in picture.notices if each.code == code]
    assert found, sorted(codes(picture))
    return found[0]


def test_the_articles_host_is_explained_whole() -> None:
    picture = paint(article())
    for part in picture.parts:
        label = part.seen.label
        assert part.guess.role == OF_LABEL.get(label, label), part.guess
        assert part.guess.certainty is Certainty.CERTAIN, part.guess
        assert part.guess.reasons
        if label not in {"resolver", "primary-git", "letsencrypt"}:
            assert part.domain == DOMAIN
    assert {part.guess.era for part in picture.parts if part.guess.role in ROLES} >= {Era.P23}
    assert not picture.missing
    assert picture.public == PUBLIC
    assert all(each.counts for each in picture.led)
    reached = {part.seen.label: part.reached for part in picture.parts if part.reached}
    assert reached.keys() == {"primary-git", "submission", "verifier"}
    assert reached["verifier"] == (
        "What comes to every address of this host at tcp port 25 goes to verifier at 10.0.0.9.",
    )


def test_the_articles_host_has_exactly_these_faults() -> None:
    found = {(each.code, each.about) for each in paint(article()).notices}
    quiet = {label for label, (_, restarts, _) in ARTICLE.items() if not restarts}
    assert found == {
        ("open-relay", "verifier"),
        ("no-own-sender", "relay"),
        ("odd-argument", "resolver"),  # its address has no length
        ("no-branch", "primary-git"),  # Debian 11 makes master, main is read
        ("another-repository", "primary-git"),
        ("open-transfer", "primary-git"),
        ("no-certificate", "verifier"),
        ("no-certificate", "submission"),
        ("no-dmarc", "zone"),
        ("every-address", "rules"),
        ("kept-by-nobody", "rules"),
        *(("no-restart", label) for label in quiet),
    }


def test_notices_say_what_to_do_and_the_worst_comes_first() -> None:
    notices = paint(article()).notices
    weights = list(Weight)
    order = [weights.index(each.weight) for each in notices]
    assert order == sorted(order)
    assert notices[0].code == "open-relay"
    for each in notices:
        assert each.sentence.endswith(".")
        assert each.advice.endswith(".")


def test_no_secret_is_told_or_kept() -> None:
    seen = article()
    assert seen.host is not None and seen.zone is not None  # noqa: PT018
    kept = json.dumps([dump(seen.host), dump(seen.zone)]) + repr(seen) + repr(paint(seen))
    for secret in SECRETS:
        assert secret not in kept


def test_ptt_deployers_host_is_likely_at_best_and_says_why() -> None:
    picture = paint(deployer())
    roles = {part.guess.role for part in picture.parts}
    assert roles == set(ROLES), [(p.seen.label, p.guess) for p in picture.parts]
    for part in picture.parts:
        if part.guess.certainty is Certainty.LIKELY:
            assert part.guess.reasons[0].startswith("Its name speaks of")
    submission = picture.part_of("submission")
    assert submission is not None
    assert any("built into the image" in each for each in submission.guess.reasons)
    assert "open-relay" in codes(picture)
    assert "no-restart" in codes(picture)
    verifier = picture.part_of("verifier")
    assert verifier is not None
    assert "--resolver" in notice(picture, "odd-argument").sentence  # a bare address is ignored


def test_generations_that_ptt_deployer_left_behind() -> None:
    picture = paint(deployer(generations=2))
    found = notice(picture, "twice")
    assert "never removes" in found.advice
    serving = [each for each in picture.notices if each.code == "twice" and "rules lead to" in each.sentence]
    assert len(serving) == 3


def test_what_is_known_of_images_counts_most() -> None:
    seen = article()
    assert seen.host is not None
    spamfilter = next(each for each in seen.host.unikernels if each.label == "spamfilter")
    guess = guess_all(seen.host.unikernels, {spamfilter.digest: KnownImage("spamfilter", "p24")})[
        "spamfilter"
    ]
    assert (guess.role, guess.era, guess.certainty) == ("spamfilter", Era.P24, Certainty.CERTAIN)
    relay = guess_all([spamfilter], {spamfilter.digest: KnownImage("relay", "p23")})["spamfilter"]
    assert relay.role == "relay"
    assert any("--destination" in each for each in relay.contradicts)


@pytest.mark.parametrize(
    ("label", "arguments", "certainty"),
    [
        ("web", ("--ipv4=10.0.0.77/24",), Certainty.UNKNOWN),
        ("resolver", ("--ipv4=10.0.0.77/24",), Certainty.LIKELY),
        ("tls-proxy", ("--backend=10.0.0.2", "--ipv4=10.0.0.77/24"), Certainty.UNKNOWN),
        ("", (), Certainty.UNKNOWN),
    ],
)
def test_nobody_guesses_in_silence(label: str, arguments: tuple[str, ...], certainty: Certainty) -> None:
    guess = guess_all([unikernel(label, 32, True, arguments)])[label]
    assert guess.certainty is certainty
    assert guess.reasons
    assert bool(guess.role) is (certainty is not Certainty.UNKNOWN)


def test_a_resolver_is_known_by_those_who_ask_it() -> None:
    seen = article()
    assert seen.host is not None
    renamed = tuple(
        replace(each, label="dns1") if each.label == "resolver" else each for each in seen.host.unikernels
    )
    guess = guess_all(renamed)["dns1"]
    assert (guess.role, guess.certainty) == ("resolver", Certainty.LIKELY)
    assert "relay (--nameserver)" in guess.reasons[0]


def test_arguments_count_more_than_a_name() -> None:
    given = ARTICLE["relay"][2]
    guess = guess_all([unikernel("signer", 256, True, given)])["signer"]
    assert (guess.role, guess.certainty) == ("relay", Certainty.CERTAIN)
    assert "speaks of a DKIM signer" in guess.contradicts[0]


@pytest.mark.parametrize("role", list(ROLES))
@pytest.mark.parametrize("era", list(Era))
def test_each_role_of_each_generation_is_known_by_its_required_arguments(role: str, era: Era) -> None:
    options = [each for each in ROLES[role].options[era] if each.required]
    seen = unikernel("x", 64, True, tuple(f"{each.name}=1" for each in options))
    guess = guess_all([seen])["x"]
    if role == "resolver":  # it has no argument of its own
        assert guess.certainty is Certainty.UNKNOWN
    else:
        assert (guess.role, guess.certainty) == (role, Certainty.CERTAIN), guess
        assert era in guess.eras


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("ptt-relay.0f3a221b9c", "relay"),
        ("dns-le.0f3a221b9c", "letsencrypt"),
        ("x25519-net-verifier-1", "verifier"),
        ("primary-git", "primary"),
        ("lipap", "submission"),
        ("relay-and-signer", ""),
        ("relayed", ""),
        ("", ""),
    ],
)
def test_names(label: str, role: str) -> None:
    assert role_of_label(label) == role


# What is wrong ----------------------------------------------------------------------------------------


def changed_zone(old: str, new: str, *, keys: str = KEYS) -> Seen:
    assert old in ZONE
    return replace(article(), zone=zone(ZONE.replace(old, new), keys))


def changed_rules(old: str, new: str) -> Seen:
    assert old in ARTICLE_RULES
    return replace(article(), rules=read_rules(ARTICLE_RULES.replace(old, new)))


def at_public(seen: Seen) -> Seen:
    """Those who run the host gave the address."""
    return replace(seen, publics=(PUBLIC,))


def without(label: str) -> Seen:
    seen = article()
    assert seen.host is not None
    left = tuple(each for each in seen.host.unikernels if each.label != label)
    return replace(seen, host=SeenHost(left))


def rearranged(label: str, old: str, new: str) -> Seen:
    given = ARTICLE[label][2]
    assert any(old in each for each in given)
    return with_arguments(article(), label, *(each.replace(old, new) for each in given))


SMTP = "-A SMTP ! -s 10.0.0.9/32 -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.9:25"
WRONG: dict[str, tuple[Seen, str, str]] = {
    "no spf": (
        changed_zone(f'@ 3600 TXT "v=spf1 +ip4:{PUBLIC}/32 -all"\n', ""),
        "no-spf",
        "no sender policy",
    ),
    "old spf": (
        changed_zone(f"+ip4:{PUBLIC}", "+ip4:192.0.2.1"),
        "spf-without-address",
        f"not name {PUBLIC}",
    ),
    "broken spf": (changed_zone(f"+ip4:{PUBLIC}/32", "ip4:x"), "spf-without-address", "cannot be read"),
    "spf denies": (changed_zone("+ip4", "-ip4"), "spf-without-address", "may not send"),
    "two spf": (
        changed_zone("ns1 IN A", '@ 3600 TXT "v=spf1 -all"\nns1 IN A'),
        "several-spf",
        "2 sender policies",
    ),
    "no dkim": (changed_zone("s1._domainkey", "s2._domainkey"), "no-dkim", "signs as s1"),
    "dkim": (changed_zone("p=MIIB", "p=MIIC"), "another-dkim", "another key than signer"),
    "no mx": (changed_zone(f"@ 3600 MX 0 {DOMAIN}.\n", ""), "no-mx", "led to verifier"),
    "example mx": (
        changed_zone(f"MX 0 {DOMAIN}.", "MX 10 ptt.wtf."),
        "foreign-mx",
        "left-over of an example",
    ),
    "mx name": (changed_zone(f"MX 0 {DOMAIN}.", "MX 0 ns1"), "mx-other-name", f"is for {DOMAIN}"),
    "mx": (at_public(changed_zone(f"@ IN A {PUBLIC}", "@ IN A 192.0.2.7")), "mx-elsewhere", "at 192.0.2.7"),
    "smtp": (changed_zone(f"smtp IN A {PUBLIC}\n", ""), "submission-without-address", f"smtp.{DOMAIN}"),
    "smtp old": (changed_zone("smtp IN A 76", "smtp IN A 77"), "submission-elsewhere", "is 77.8.60.93"),
    "ns": (changed_zone(f"ns1 IN A {PUBLIC}", "ns1 IN A 192.0.2.2"), "name-server-elsewhere", "ns1"),
    "key": (
        replace(article(), zone=zone(keys=KEYS.replace("personal", "other"))),
        "unknown-key",
        "is none of",
    ),
    "secret": (
        replace(article(), zone=zone(keys=KEYS.replace("PAPP", "QAPP"))),
        "unknown-key",
        "another secret",
    ),
    "no zone": (replace(article(), zone=unserved(DOMAIN, "")), "no-zone", "has no file"),
    "broken": (replace(article(), zone=unserved(DOMAIN, "Line 3 is odd.")), "broken-zone", "Line 3"),
    "no users": (replace(article(), users=SeenUsers("main")), "no-users", "branch main"),
    "skipped": (replace(article(), users=SeenUsers("m", users=3, skipped=1)), "skipped-users", "ignores 1"),
    "closed": (changed_rules(f"{SMTP}\n", ""), "port-closed", "tcp port 25"),
    "dangling": (changed_rules("10.0.0.9:25", "10.0.0.99:25"), "leads-to-nobody", "10.0.0.99"),
    "no way out": (
        changed_rules("[9:540] -A POSTROUTING -s 10.0.0.0/24 -j MASQUERADE\n", ""),
        "no-way-out",
        "",
    ),
    "sender": (
        changed_rules(
            "-A PRIMARY-GIT !", "-A POSTROUTING -s 10.0.0.5 -j SNAT --to-source 192.0.2.9\n-A PRIMARY-GIT !"
        ),
        "another-sender",
        "192.0.2.9",
    ),
    "docker": (changed_rules(":FORWARD ACCEPT", ":FORWARD DROP"), "forward-drops", "the bridge service"),
    "odd": (
        changed_rules("-A SMTP !", "-A SMTP -m time --timestart 10:00 -j ACCEPT\n-A SMTP !"),
        "odd-rules",
        "time",
    ),
    "staging": (rearranged("letsencrypt", "--production", "--port=53"), "staging", "for tests"),
    "hop": (rearranged("spamfilter", "10.0.0.5", "10.0.0.1"), "points-to-nobody", "the host itself"),
    "wrong hop": (rearranged("spamfilter", "10.0.0.5", "10.0.0.4"), "points-elsewhere", "there is signer"),
    "address": (rearranged("spamfilter", "10.0.0.8", "10.0.0.9"), "same-address", "10.0.0.9"),
    "other domain": (rearranged("signer", DOMAIN, "other.example"), "another-domain", "other.example"),
    "no relay": (without("relay"), "no-relay", "No relay runs"),
    "unknown": (with_arguments(article(), "relay", "--what=1"), "unknown-unikernel", "--what"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_wrong_is_said(case: str) -> None:
    seen, code, words = WRONG[case]
    before = codes(paint(article()))
    assert code not in before
    found = [each for each in paint(seen).notices if each.code == code]
    assert any(words in f"{each.sentence} {each.advice}" for each in found), paint(seen).notices


def test_an_own_sender_is_enough() -> None:
    line = f"[9:540] -A POSTROUTING -s 10.0.0.5/32 -p tcp -m tcp --dport 25 -j SNAT --to-source {PUBLIC}\n"
    seen = changed_rules("[9:540] -A POSTROUTING", f"{line}[9:540] -A POSTROUTING")
    assert not codes(paint(seen)) & {"no-own-sender", "another-sender", "no-way-out"}


def test_what_was_not_read_is_not_missing() -> None:
    picture = paint(Seen(DOMAIN))
    assert picture == Picture(DOMAIN, (), (), (), ())
    for place in ("host", "rules", "users", "zone"):
        partly = paint(replace(Seen(DOMAIN), **{place: getattr(article(), place)}))
        assert "open-relay" not in codes(partly)
    half = paint(replace(article(), rules=None, zone=None))
    assert not codes(half) & {"port-closed", "no-way-out", "no-mx", "no-spf", "unknown-key"}


# Hostile text -----------------------------------------------------------------------------------------

TEXT = st.text(max_size=40)
BYTES = st.lists(
    st.one_of(st.binary(max_size=30), TEXT.map(lambda t: t.encode("utf-8", "surrogatepass"))), max_size=8
)
WORDS = st.sampled_from(
    [
        "-A",
        "PREROUTING",
        "SMTP",
        "-j",
        "DNAT",
        "--to-destination",
        "10.0.0.9:25",
        "!",
        "-s",
        "-p",
        "tcp",
        "*nat",
        "COMMIT",
        ":SMTP - [0:0]",
        "-m",
        "--dport",
        "25",
        '"',
        "\\",
        "\n",
        "-g",
        "[1:2]",
        "x" * 90,
    ]
)


@settings(max_examples=50)
@given(st.lists(st.one_of(WORDS, TEXT), max_size=60))
def test_rules_of_any_text(words: list[str]) -> None:
    text = " ".join(words).replace(" \n ", "\n")
    seen = read_rules(f"*nat\n:PREROUTING ACCEPT [0:0]\n{text}")
    for rule in seen.rules:
        assert rule.text.isprintable()
        assert len(rule.text) <= 300
    assert load(SeenRules, json.loads(json.dumps(dump(seen)))) == seen
    paint(replace(article(), rules=seen))


def test_chains_that_lead_in_circles_and_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_MOST_STEPS", 500)
    lines = [f"-A C{n} -j C{(n + 1) % 40}" for n in range(40)]
    chains = [f":C{n} - [0:0]" for n in range(40)]
    text = "\n".join(["*nat", ":PREROUTING ACCEPT [0:0]", *chains, "-A PREROUTING -j C0", *lines, "COMMIT"])
    assert read_rules(text).rules == ()
    wide = "\n".join(
        ["*nat", ":PREROUTING ACCEPT [0:0]", *chains]
        + [f"-A C{n} -j C{m}" for n in range(39) for m in range(n + 1, 40)]
        + ["-A PREROUTING -j C0", "COMMIT"]
    )
    assert read_rules(wide).rules == ()


@settings(max_examples=50)
@given(TEXT, BYTES)
def test_arguments_of_any_bytes(label: str, arguments: list[bytes]) -> None:
    found = see_arguments(arguments, mark)
    seen = SeenUnikernel(label, arguments=found)
    for each in found:
        assert f"{each.name}{each.value}{each.told}{each.problem}".isprintable()
        assert len(each.name) <= 60
        assert len(each.value) <= 300
    host = SeenHost((seen,))
    assert load(SeenHost, json.loads(json.dumps(dump(host)))) == host
    paint(replace(article(), host=host))


@given(
    st.sampled_from(["--dns-key", "--ssh-key", "--key-seed", "--cert-key", "--passphrase"]),
    st.text("abcXY09+/=:", min_size=12, max_size=40),
    st.booleans(),
)
def test_a_secret_is_never_told(option: str, secret: str, apart: bool) -> None:
    argument = f"{option} {secret}" if apart else f"{option}={secret}"
    [seen] = see_arguments([argument.encode()], mark)
    assert seen.name == option
    assert seen.mark
    assert not seen.value
    assert secret not in f"{seen}"


def test_what_was_read_comes_back_from_json() -> None:
    seen = article()
    for each in (seen.host, seen.rules, seen.users, seen.zone):
        assert each is not None
        assert load(type(each), json.loads(json.dumps(dump(each)))) == each
        assert load(type(each), {**dump(each), "new": 1}) == each
