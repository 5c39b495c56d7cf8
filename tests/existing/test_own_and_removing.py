"""Whose rules somebody sees, and the lines that take them out."""

from __future__ import annotations

import shlex
from dataclasses import replace

from tenants.formats.existing.own import own_rules
from tenants.formats.existing.painting import paint
from tenants.formats.existing.removing import removal_lines
from tenants.formats.existing.rules import read_rules
from tenants.formats.existing.seen import SeenHost
from tests.existing.installations import ARTICLE, ARTICLE_RULES, PUBLIC, article

OTHERS = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:MIXED - [0:0]
-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.9.9:25
-A PREROUTING -d 76.8.60.93/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.9.8:80
-A PREROUTING -j MIXED
-A MIXED -p tcp -m tcp --dport 465 -j DNAT --to-destination 10.0.0.7:465
-A MIXED -p tcp -m tcp --dport 993 -j DNAT --to-destination 10.0.9.7:993
-A POSTROUTING -o bond0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""


def test_rules_of_others_are_not_shown() -> None:
    seen = own_rules(read_rules(OTHERS), ["10.0.0.0/24"], [PUBLIC])
    assert [each.text.rpartition("-j ")[2] for each in seen.rules] == [
        "DNAT --to-destination 10.0.0.7:465",
        "MASQUERADE",
        "ACCEPT",
    ]
    assert seen.rules[1].text == "-o bond0 -j MASQUERADE"
    for foreign in ("203.0.113.7", "10.0.9.", "172.17", "--dport 22", "MIXED\n"):
        assert foreign not in str(seen)
    [chain] = seen.chains
    assert (chain.name, len(chain.rules), chain.jumps) == ("MIXED", 1, ())


def test_a_chain_goes_with_its_jumps_and_what_serves_others_stays() -> None:
    seen = article()
    assert seen.rules is not None
    lines = removal_lines(paint(seen), seen.rules, set(ARTICLE))
    rule = "-s 10.0.0.3/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 10.0.0.3:53"
    assert lines[0] == f"iptables -t nat -D PRIMARY-GIT '!' {rule}"
    assert "iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j SMTP" in lines
    assert lines.index("iptables -t nat -X SMTP") > lines.index(
        "iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j SMTP"
    )
    assert "iptables -t nat -D POSTROUTING -s 10.0.0.0/24 -j MASQUERADE" in lines
    assert seen.host is not None
    some = removal_lines(paint(seen), seen.rules, set(ARTICLE) - {"verifier"})
    assert not [line for line in some if "SMTP" in line or "MASQUERADE" in line]


def test_what_stands_in_a_rule_runs_nothing() -> None:
    text = ARTICLE_RULES.replace("-A SMTP !", '-A SMTP -m comment --comment "$(touch /tmp/x) \\"`id`; \'" !')
    seen = replace(article(), rules=read_rules(text))
    assert seen.rules is not None
    [line] = [each for each in removal_lines(paint(seen), seen.rules, {"verifier"}) if "comment" in each]
    assert shlex.split(line)[8] == "$(touch /tmp/x) \"`id`; '"


def test_of_a_rule_that_was_cut_there_is_no_line() -> None:
    long = ARTICLE_RULES.replace("-A SMTP !", f'-A SMTP -m comment --comment "{"x" * 400}" !')
    seen = replace(article(), rules=read_rules(long))
    assert seen.rules is not None
    assert not [each for each in removal_lines(paint(seen), seen.rules, {"verifier"}) if "-D SMTP" in each]


def test_without_unikernels_nothing_is_taken_out() -> None:
    seen = replace(article(), host=SeenHost())
    assert seen.rules is not None
    assert removal_lines(paint(seen), seen.rules, set(ARTICLE)) == ()
