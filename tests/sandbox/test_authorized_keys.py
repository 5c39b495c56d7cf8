"""What sshd would read in a line, the sandbox's git host reads in it."""

from __future__ import annotations

from tenants.formats.sshkeys import new_ssh_key
from tenants.formats.stacks.git_access import authorized_line
from workers.repository import restricted_line
from workers.sandbox.authorized_keys import FREE, Grant, read_grants

KEY = " ".join(new_ssh_key("")[1].split()[:2])
OTHER = " ".join(new_ssh_key("")[1].split()[:2])


def test_a_plain_key_may_do_all_and_a_restricted_one_a_command() -> None:
    found = read_grants(f'# keys\n{KEY} somebody at home\nrestrict,command="echo \\"$X\\", once" {OTHER}\n')
    assert found == {KEY: FREE, OTHER: Grant('echo "$X", once', ports=False)}


def test_of_two_lines_with_a_key_the_first_counts() -> None:
    assert read_grants(f'command="true" {KEY}\n{KEY}\n') == {KEY: Grant("true")}


def test_a_broken_line_lets_nobody_in() -> None:
    for line in (f'command="true {KEY}', f"restrict {KEY}x!", f"no such options {KEY}", "ssh-ed25519"):
        assert read_grants(line) == {}


def test_both_of_our_own_forms_are_read() -> None:
    for writes in (False, True):
        for line in (
            authorized_line(f"{KEY} users", "relay.git", write=writes),
            restricted_line(KEY, "/home/git/relay.git", writes=writes),
        ):
            (grant,) = read_grants(line).values()
            assert "relay.git" in grant.command
            assert ("git-receive-pack" in grant.command) is writes
            assert not grant.ports
