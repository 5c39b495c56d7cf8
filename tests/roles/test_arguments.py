"""Arguments of roles: what the articles pass is taken, what would end a unikernel is refused."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.check import check_role_arguments
from tenants.formats.roles.kinds import Kind
from tenants.formats.roles.role import Era, Option, Role
from tenants.formats.text import FormatError

KEY = "personal._update.x25519.net:SHA256:PAPPkecDvEBnhqTzG5Xsbrbi7W0QY7TpVaEMxndMv2M="
SSH = "ed25519:AqKcLX40SblHbAeZ63FCDXJD3xOiRUmCRxzxQFThEf4="
SEED = "rnM63JSKxhfo1L5WedIPlRD57bnfjg7SOJ47DhAlaAg="
ARTICLES = {
    "resolver": ["--ipv4=10.0.0.2/24", "--ipv4-gateway=10.0.0.1"],
    "primary": [
        *("--axfr", "--ipv4=10.0.0.3/24", "--ipv4-gateway=10.0.0.1"),
        *(f"--ssh-key={SSH}", "--remote=git@10.0.0.1:zone.git"),
    ],
    "letsencrypt": [
        *(f"--dns-key={KEY}", "--dns-server=10.0.0.3", "--account-key-seed=" + SEED, "--production"),
        *("--ipv4=10.0.0.6/24", "--ipv4-gateway=10.0.0.1"),
    ],
    "relay": [
        *("--domain x25519.net", "--postmaster=hostmaster@x25519.net", "--nameserver=tcp:10.0.0.2"),
        *(f"--ssh-key={SSH}", "-r git@10.0.0.1:users.git#master"),
        *("--ipv4=10.0.0.5/24", "--ipv4-gateway=10.0.0.1"),
    ],
    "signer": [
        *("--domain x25519.net", "--selector=s1", f"--private-key={SEED}", "--destination=10.0.0.5"),
        *(f"--dns-key={KEY}", "--dns-server=10.0.0.3", "--postmaster=hostmaster@x25519.net"),
        *("--fields=from:to", "--ipv4=10.0.0.4/24", "--ipv4-gateway=10.0.0.1"),
    ],
    "submission": [
        *(f"--ssh-key={SSH}", "--remote=git@10.0.0.1:users.git#master", "--destination=10.0.0.4"),
        *("--domain x25519.net", "--submission-domain=smtp.x25519.net", f"--dns-key={KEY}"),
        *("--dns-server=10.0.0.3", f"--key-seed={SEED}", "--postmaster=hostmaster@x25519.net"),
        *("--ipv4=10.0.0.7/24", "--ipv4-gateway=10.0.0.1"),
    ],
    "spamfilter": [
        *("--domain x25519.net", "--destination=10.0.0.5", "--ipv4=10.0.0.8/24"),
        *("--ipv4-gateway=10.0.0.1", "--postmaster=hostmaster@x25519.net"),
    ],
    "verifier": [
        *("--destination=10.0.0.8", "--domain x25519.net", f"--dns-key={KEY}", "--dns-server=10.0.0.3"),
        *(f"--key-seed={SEED}", "--nameserver=tcp:10.0.0.2", "--postmaster=hostmaster@x25519.net"),
        *("--ipv4=10.0.0.9/24", "--ipv4-gateway=10.0.0.1"),
    ],
}


def refusal(role: str, era: Era, arguments: list[str], *, filled: bool = True) -> FormatError:
    with pytest.raises(FormatError) as refused:
        check_role_arguments(ROLES[role], era, arguments, filled=filled)
    return refused.value


@pytest.mark.parametrize("name", ROLES)
def test_the_articles_lines_are_taken(name: str) -> None:
    checked = check_role_arguments(ROLES[name], Era.P23, ARTICLES[name], filled=True)
    assert not any(" " in each for each in checked.arguments)
    assert len(checked.arguments) == len(ARTICLES[name])
    again = check_role_arguments(ROLES[name], Era.P23, checked.arguments, filled=True)
    assert again.arguments == checked.arguments


@pytest.mark.parametrize("name", ROLES)
def test_every_required_argument_is_missed(name: str) -> None:
    role = ROLES[name]
    for option in role.options[Era.P23]:
        if option.required:
            rest = [a for a in ARTICLES[name] if not a.startswith((option.name + "=", option.name + " "))]
            rest = [a for a in rest if not (option.short and a.startswith(option.short + " "))]
            assert len(rest) == len(ARTICLES[name]) - 1
            assert refusal(name, Era.P23, rest).field == option.name


def test_the_articles_resolver_lacks_its_prefix_length() -> None:
    refused = refusal("resolver", Era.P23, ["--ipv4=10.0.0.2", "--ipv4-gateway=10.0.0.1"])
    assert refused.field == "--ipv4"
    assert "/24" in refused.fix


@pytest.mark.parametrize(
    ("role", "era", "argument", "fix"),
    [
        ("signer", Era.P24, f"--private-key={SEED}", "Use --seed instead."),
        ("signer", Era.P23, f"--seed={SEED}", "Use --private-key instead."),
        ("submission", Era.P24, "--submission-domain=smtp.x25519.net", "Use --hostname instead."),
        ("submission", Era.P23, "--hostname=smtp.x25519.net", "Use --submission-domain instead."),
        ("relay", Era.P22, "--nameserver=tcp:10.0.0.2", "Use --resolver instead."),
        ("relay", Era.P23, "--resolver=tcp://10.0.0.2", "Use --nameserver instead."),
        ("primary", Era.P24, "--authenticator=SHA256:" + "A" * 43, "Use --ssh-authenticator instead."),
        ("resolver", Era.P22, "--with-dnssec=true", "Leave it out, or use such an image."),
        ("submission", Era.P23, "--ssh-authenticator=ed25519:" + "A" * 43, "Leave it out, or use such"),
    ],
)
def test_an_argument_of_another_generation_names_its_own(
    role: str, era: Era, argument: str, fix: str
) -> None:
    refused = refusal(role, era, [*ARTICLES[role], argument])
    assert refused.field == argument.partition("=")[0]
    assert refused.fix.startswith(fix)
    assert SEED not in str(refused)


@pytest.mark.parametrize(
    ("role", "argument", "field", "words"),
    [
        ("relay", "--nameservr=tcp:10.0.0.2", "--nameservr", "Did you mean --nameserver?"),
        ("relay", "--nameserver=10.0.0.2", "--nameserver", "tcp:10.0.0.2"),
        ("relay", "--domain=x25519.net", "--domain", "twice"),
        ("relay", "loose", "arguments", "only options"),
        ("relay", "--logs", "--logs", "no value"),
        ("primary", "--axfr=true", "--axfr", "no value"),
        ("relay", "--dom=x25519.net", "--dom", "would end at once"),
        ("relay", "--logs=*:loud", "--logs", "log level"),
        ("resolver", "--with-dnssec=yes", "--with-dnssec", "true or false"),
    ],
)
def test_what_would_end_a_unikernel_is_refused(role: str, argument: str, field: str, words: str) -> None:
    refused = refusal(role, Era.P23, [*ARTICLES[role], argument])
    assert refused.field == field
    assert words in str(refused)


@pytest.mark.parametrize(
    ("argument", "field"),
    [
        ("--dns-key=a.b._update.x25519.net:SHA256:" + SEED, "--dns-key"),
        ("--dns-key=a._transfer.x25519.net:SHA256:" + SEED, "--dns-key"),
        ("--dns-key=a._update.x25519.net:sha256:" + SEED, "--dns-key"),
        ("--dns-key=a._update:SHA256:" + SEED, "--dns-key"),
        ("--dns-key=a._update.example.org:SHA256:" + SEED, "--submission-domain"),
        ("--submission-domain=smtp.example.org", "--submission-domain"),
        ("--ssh-key=ed25519:AAAA", "--ssh-key"),
        ("--ssh-key=AqKcLX40SblHbAeZ63FCDXJD3xOiRUmCRxzxQFThEf4=", "--ssh-key"),
        ("--remote=https://git.example.org/users.git", "--remote"),
        ("--remote=git@10.0.0.1:users.git#a..b", "--remote"),
        ('--postmaster="a"@x25519.net', "--postmaster"),
        ("--destination=10.0.0.4/24", "--destination"),
    ],
)
def test_values_that_do_not_fit(argument: str, field: str) -> None:
    name = argument.partition("=")[0]
    rest = [each for each in ARTICLES["submission"] if not each.startswith(name + "=")]
    refused = refusal("submission", Era.P23, [*rest, argument])
    assert refused.field == field
    assert SEED not in str(refused)


def test_stored_arguments_keep_their_secrets_out() -> None:
    stored = [
        *("--domain=x25519.net", "--postmaster=hostmaster@x25519.net", "--ssh-key={secret:ssh-key}"),
        *(
            "--remote=git@10.0.0.1:users.git#main",
            "--ipv4={address:service}",
            "--ipv4-gateway={gateway:service}",
        ),
    ]
    checked = check_role_arguments(ROLES["relay"], Era.P23, stored)
    assert set(checked.arguments) == set(stored)
    assert checked.warnings == ("Without --nameserver it asks a public resolver.",)
    in_the_open = [*stored[:2], f"--ssh-key={SSH}", *stored[3:]]
    assert "in the open" in str(refusal("relay", Era.P23, in_the_open, filled=False))
    assert SSH not in str(refusal("relay", Era.P23, in_the_open, filled=False))
    assert refusal("relay", Era.P23, stored, filled=True).field == "--ssh-key"


@pytest.mark.parametrize(
    ("argument", "field"),
    [
        ("--ipv4={ip:service}", "--ipv4"),
        ("--ipv4-gateway={address:service}", "--ipv4-gateway"),
        ("--domain={secret:domain}", "--domain"),
        ("--domain={ip:service}", "--domain"),
        ("--ipv4={address:service}/24", "--ipv4"),
    ],
)
def test_a_reference_fits_its_argument(argument: str, field: str) -> None:
    assert refusal("spamfilter", Era.P23, [argument], filled=False).field == field


def test_an_ssh_password_stands_in_for_a_key_in_newer_images() -> None:
    base = [a for a in ARTICLES["relay"] if not a.startswith("--ssh-key")]
    checked = check_role_arguments(ROLES["relay"], Era.P24, [*base, "--ssh-password=x"], filled=True)
    assert "--ssh-password=x" in checked.arguments
    assert "neither" in str(refusal("relay", Era.P24, base))
    both = [*ARTICLES["relay"], "--ssh-password=x"]
    assert "both" in str(refusal("relay", Era.P24, both))


def test_what_is_true_but_worth_knowing_is_said() -> None:
    verifier = [*ARTICLES["verifier"], "--dns-port=5353"]
    assert any(
        w.startswith("--dns-port")
        for w in check_role_arguments(ROLES["verifier"], Era.P23, verifier, filled=True).warnings
    )
    staging = [a for a in ARTICLES["letsencrypt"] if a != "--production"]
    warned = check_role_arguments(ROLES["letsencrypt"], Era.P23, staging, filled=True).warnings
    assert any("staging" in w for w in warned)
    warned = check_role_arguments(ROLES["primary"], Era.P23, ARTICLES["primary"], filled=True).warnings
    assert any("main is read" in w for w in warned)


def test_checked_arguments_are_not_shown() -> None:
    assert SSH not in repr(check_role_arguments(ROLES["relay"], Era.P23, ARTICLES["relay"], filled=True))


_ODD = string.ascii_letters + string.digits + "-=:/@#{}. _\"'\\\x00ä"


@given(
    st.sampled_from(sorted(ROLES)),
    st.sampled_from(Era),
    st.lists(st.text(_ODD, max_size=30) | st.sampled_from([a for v in ARTICLES.values() for a in v])),
    st.booleans(),
)
def test_nothing_but_a_refusal_comes_of_junk(role: str, era: Era, arguments: list[str], filled: bool) -> None:
    try:
        checked = check_role_arguments(ROLES[role], era, arguments, filled=filled)
    except FormatError:
        return
    assert check_role_arguments(ROLES[role], era, checked.arguments, filled=filled) == checked


@given(st.sampled_from(sorted(ROLES)), st.sampled_from(Era), st.data())
def test_no_argument_can_smuggle_a_second(role: str, era: Era, data: st.DataObject) -> None:
    """What is checked is what the image reads: its line is split at blanks, so no value may have one."""
    known: Role = ROLES[role]
    option: Option = data.draw(st.sampled_from(known.options[era]))
    value = data.draw(st.text(_ODD, min_size=1, max_size=40))
    if option.kind is Kind.FLAG or not any(c in value for c in " \"'\\\x00ä"):
        return
    with pytest.raises(FormatError):
        check_role_arguments(known, era, [f"{option.name}={value}"], filled=True)
