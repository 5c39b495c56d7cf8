"""Connections as the connection tracking of a host tells them: whose they are, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.connections import HEAD, Connection, read_connections
from tenants.formats.text import FormatError

IN = (
    "ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.100 dst=192.0.2.1 sport=40000 dport=25"
    " src=10.0.0.9 dst=192.0.2.100 sport=25 dport=40000 [ASSURED] mark=0 zone=0 use=2"
)
OUT = (
    "tcp      6 300 ESTABLISHED src=10.0.0.5 dst=198.51.100.7 sport=50000 dport=25"
    " src=198.51.100.7 dst=192.0.2.1 sport=25 dport=50000 [ASSURED] mark=0 use=1"
)


def test_they_are_told_by_who_really_answers() -> None:
    text = f"{HEAD}\n{OUT}\n{IN}\n"
    assert read_connections(text, ["10.0.0.9"]) == (Connection("192.0.2.100", "10.0.0.9", 25),)
    assert str(read_connections(text, ["10.0.0.5"])[0]) == "10.0.0.5 to port 25 of 198.51.100.7"
    assert read_connections(text, ["10.0.0.90", "0.0.0.9", "192.0.2.1"]) == ()
    assert read_connections(f"{HEAD}\n", ["10.0.0.9"]) == ()


def test_another_answer_is_not_taken_for_none() -> None:
    for text in ("", IN, "rookery-connections 2\n", "Use: rookery-firewall save"):
        with pytest.raises(FormatError):
            read_connections(text, ["10.0.0.9"])


@given(st.text(max_size=300))
def test_whatever_comes_is_read_or_left_out(text: str) -> None:
    found = read_connections(f"{HEAD}\n{text}\n{IN}\n", ["10.0.0.9"])
    assert Connection("192.0.2.100", "10.0.0.9", 25) in found
