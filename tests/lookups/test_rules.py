"""What answers mean: nothing is guessed from silence, and no answer from outside breaks anything."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.exchanges import Answer, Dmarc
from workers.lookups import Record, Reply, Silent, Status, look_up

NO_NAME, NO_DATA = Reply(Status.NO_NAME), Reply(Status.NO_DATA)
FAILED = Reply(Status.FAILED, problem="the name servers answer with an error")


def data(*records: Record) -> Reply:
    return Reply(Status.DATA, records)


def mx(*hosts: str) -> Reply:
    return data(*(Record(host, preference=10 * index) for index, host in enumerate(hosts)))


@dataclass
class Canned:
    """Answers by (name, type); without one the name exists and has nothing. Each question takes `seconds`."""

    answers: Mapping[tuple[str, str], Reply] = field(default_factory=dict)
    seconds: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    time: float = 0.0

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        assert seconds > 0
        self.asked.append((name, kind))
        self.time += self.seconds
        return self.answers.get((name, kind), NO_DATA)

    def clock(self) -> float:
        return self.time


def found(**answers: Reply) -> Answer:
    dns = Canned({("x.example", kind): reply for kind, reply in answers.items()})
    return look_up("x.example", dns, dns.clock).answer


def test_answers_are_told_apart() -> None:
    address = data(Record("192.0.2.1"))
    assert found(MX=mx("mx.x.example")) is Answer.EXCHANGES
    assert found(A=address) is found(AAAA=data(Record("2001:db8::1"))) is Answer.ADDRESS_ONLY
    assert found() is Answer.NOTHING
    assert found(MX=mx("")) is Answer.NO_MAIL
    assert found(MX=NO_NAME) is Answer.NO_DOMAIN
    with pytest.raises(Silent, match=r"x\.example MX: the name servers"):
        found(MX=FAILED)
    with pytest.raises(Silent):
        found(A=FAILED)


def test_all_addresses_of_all_hosts_count() -> None:
    dns = Canned(
        {
            ("x.example", "MX"): mx("one.example", "two.example", "one.example"),
            ("one.example", "A"): data(Record("192.0.2.1"), Record("nonsense")),
            ("two.example", "AAAA"): data(Record("2001:DB8::0:2"), Record("::ffff:192.0.2.9")),
        }
    )
    exchanges = look_up("x.example", dns, dns.clock)
    assert exchanges.hosts == ("one.example", "two.example")
    assert exchanges.addresses == {"192.0.2.1", "2001:db8::2", "192.0.2.9"}


def test_half_an_answer_is_none() -> None:
    dns = Canned({("x.example", "MX"): mx("one.example"), ("one.example", "AAAA"): FAILED})
    with pytest.raises(Silent, match=r"one\.example AAAA"):
        look_up("x.example", dns, dns.clock)


@pytest.mark.parametrize(
    "reply", [mx(*(f"mx{n}.example" for n in range(31))), mx("a b.example"), mx("\\000.example")]
)
def test_answers_that_nobody_should_give_are_none(reply: Reply) -> None:
    dns = Canned({("x.example", "MX"): reply})
    with pytest.raises(Silent):
        look_up("x.example", dns, dns.clock)


def test_it_takes_a_bounded_time() -> None:
    dns = Canned({("x.example", "MX"): mx(*(f"mx{n}.example" for n in range(30)))}, seconds=8.0)
    with pytest.raises(Silent, match="too long"):
        look_up("x.example", dns, dns.clock, within=20.0)
    assert len(dns.asked) == 3


def test_the_policy_is_the_domains_own_or_the_nearest_parents() -> None:
    strict = data(Record(data=b"v=DMARC1; p=reject; sp=quarantine"))
    dns = Canned({("_dmarc.example.org", "TXT"): strict})
    assert look_up("example.org", dns, dns.clock).dmarc is Dmarc.REJECT
    assert look_up("a.b.example.org", dns, dns.clock).dmarc is Dmarc.QUARANTINE
    assert look_up("org", dns, dns.clock).dmarc is Dmarc.ABSENT
    silent = Canned({("_dmarc.x.example", "TXT"): FAILED})
    assert look_up("x.example", silent, silent.clock).dmarc is Dmarc.ABSENT


_records = st.builds(
    Record, text=st.text(max_size=20), preference=st.integers(0, 65535), data=st.binary(max_size=40)
)
_replies = st.builds(Reply, st.sampled_from(Status), st.lists(_records, max_size=4).map(tuple))


@given(st.dictionaries(st.sampled_from(["MX", "A", "AAAA", "TXT"]), _replies))
def test_no_answer_breaks_it(answers: dict[str, Reply]) -> None:
    class Anything(Canned):
        def ask(self, name: str, kind: str, seconds: float) -> Reply:
            return answers.get(kind, NO_DATA)

    dns = Anything()
    with suppress(Silent):
        assert len(look_up("x.example", dns, dns.clock).hosts) <= 30
