from __future__ import annotations

import smtplib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from panel import maildrop
from tests.sandbox.world import MESSAGE, PASSPHRASE, UserRepository, entry, mx_client, submission_client
from workers.sandbox.control import Addresses, Sandbox


def server(sandbox: Sandbox, domain: str = "our.test", role: str = "relay") -> Mapping[str, Any]:
    roles = sandbox.status()["roles"]
    found: Mapping[str, Any] = next(one for one in roles if (one["role"], one["domain"]) == (role, domain))
    return found


def from_outside(sandbox: Sandbox, *recipients: str, domain: str = "our.test") -> None:
    client = mx_client(server(sandbox, domain))
    client.sendmail("stranger@ext.test", list(recipients), MESSAGE)
    client.quit()
    sandbox.settle()


def received(sandbox: Sandbox, address: str) -> list[maildrop.KeptMail]:
    found = maildrop.list_mails(sandbox.mail_folder, address)
    return [maildrop.read_mail(sandbox.mail_folder, address, one.key) for one in found]


def test_a_mail_from_outside_reaches_the_target_in_the_name_of_the_alias(sandbox: Sandbox) -> None:
    from_outside(sandbox, "john@our.test")
    (mail,) = received(sandbox, "jane@ext.test")
    assert mail.return_path == "<john@our.test>"
    assert maildrop.list_addresses(sandbox.mail_folder) == ["jane@ext.test"]


def test_an_unknown_local_part_is_accepted_and_dropped(sandbox: Sandbox) -> None:
    from_outside(sandbox, "nobody@our.test", "John@our.test")
    assert maildrop.list_addresses(sandbox.mail_folder) == []
    assert "<nobody@our.test> not found" in "\n".join(server(sandbox)["console"])


def test_with_two_of_our_recipients_the_sender_stays(sandbox: Sandbox, repository: UserRepository) -> None:
    repository.commit({"john": entry("jane@ext.test"), "eve": entry("eve@ext.test")})
    sandbox.restart("relay", "our.test")
    from_outside(sandbox, "john@our.test", "eve@our.test")
    (mail,) = received(sandbox, "eve@ext.test")
    assert mail.return_path == "<stranger@ext.test>"


def test_postmaster_of_the_domain_means_everybody(sandbox: Sandbox, repository: UserRepository) -> None:
    repository.commit({"john": entry("jane@ext.test"), "eve": entry("eve@ext.test")})
    sandbox.restart("relay", "our.test")
    from_outside(sandbox, "Postmaster@our.test")
    assert maildrop.list_addresses(sandbox.mail_folder) == ["eve@ext.test", "jane@ext.test"]


def test_targets_are_read_only_at_boot(sandbox: Sandbox, repository: UserRepository) -> None:
    repository.commit({"john": entry("new@ext.test")})
    from_outside(sandbox, "john@our.test")
    assert maildrop.list_addresses(sandbox.mail_folder) == ["jane@ext.test"]
    sandbox.restart("relay", "our.test")
    from_outside(sandbox, "john@our.test")
    assert maildrop.list_addresses(sandbox.mail_folder) == ["jane@ext.test", "new@ext.test"]


def test_it_relays_to_any_domain_as_ptt_does(sandbox: Sandbox) -> None:
    from_outside(sandbox, "victim@elsewhere.test")
    assert len(received(sandbox, "victim@elsewhere.test")) == 1


def test_a_bad_host_stops_it_at_the_first_mail_to_that_entry(
    sandbox: Sandbox, repository: UserRepository
) -> None:
    repository.commit({"john": entry("jane@ext.test"), "bad": entry("a@my_host.test", "ok@ext.test")})
    assert sandbox.restart("relay", "our.test")["state"] == "running"
    from_outside(sandbox, "john@our.test")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        from_outside(sandbox, "bad@our.test")
    status = server(sandbox)
    assert status["state"] == "dead"
    assert "invalid host name" in status["reason"]
    assert "Fatal error" in "\n".join(status["console"])
    with pytest.raises(OSError, match=r".*"):
        mx_client(status)
    assert maildrop.list_addresses(sandbox.mail_folder) == ["jane@ext.test"]
    repository.commit({"john": entry("jane@ext.test")})
    assert sandbox.restart("relay", "our.test")["state"] == "running"
    from_outside(sandbox, "john@our.test")
    assert len(received(sandbox, "jane@ext.test")) == 2


def test_domains_with_one_mail_server_get_each_others_mail(
    tmp_path: Path, repository: UserRepository
) -> None:
    repository.commit({"john": entry("a@x.test", "b@y.test")})
    with Sandbox(
        tmp_path / "shared",
        repositories=tmp_path / "repositories",
        addresses=Addresses(free_ports=True),
        mx_of=lambda domain: "192.0.2.7" if domain in ("x.test", "y.test") else domain,
    ) as sandbox:
        sandbox.add_domain("our.test", repository.path, "main")
        from_outside(sandbox, "john@our.test")
        assert maildrop.list_addresses(sandbox.mail_folder) == ["a@y.test", "b@y.test"]


def test_mail_between_two_domains_of_the_sandbox_goes_through_the_other_mx(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    other = UserRepository(tmp_path / "repositories" / "other.git")
    other.commit({"bob": entry("bob@ext.test")})
    sandbox.add_domain("other.test", other.path, "main")
    submission = server(sandbox, role="submission")
    with submission_client(submission, sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        client.sendmail("john@our.test", ["bob@other.test"], MESSAGE)
    sandbox.settle()
    (mail,) = received(sandbox, "bob@ext.test")
    assert mail.return_path == "<bob@other.test>"


def test_a_loop_between_two_domains_ends(
    sandbox: Sandbox, repository: UserRepository, tmp_path: Path
) -> None:
    other = UserRepository(tmp_path / "repositories" / "other.git")
    other.commit({"bob": entry("john@our.test")})
    repository.commit({"john": entry("bob@other.test")})
    sandbox.add_domain("other.test", other.path, "main")
    sandbox.restart("relay", "our.test")
    from_outside(sandbox, "john@our.test")
    for _ in range(30):
        sandbox.settle()
    lines = "\n".join(server(sandbox)["console"] + server(sandbox, "other.test")["console"])
    assert "a loop" in lines
    assert maildrop.list_addresses(sandbox.mail_folder) == []


@pytest.mark.parametrize(
    "line", ["TO:<john@our.test.>", "TO:<a@b_c.test>", "TO: <john@our.test>", "TO:<john>"]
)
def test_what_ptt_cannot_parse_closes_the_connection(sandbox: Sandbox, line: str) -> None:
    client = mx_client(server(sandbox))
    client.ehlo()
    client.docmd("MAIL", "FROM:<>")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.docmd("RCPT", line)


def test_a_recipient_at_no_host_name_is_refused_without_harm(sandbox: Sandbox) -> None:
    client = mx_client(server(sandbox))
    client.ehlo()
    client.docmd("MAIL", "FROM:<x@ext.test>")
    assert client.docmd("RCPT", "TO:<a@123.456>")[0] == 250
    assert client.docmd("DATA")[0] == 554
    client.close()
    assert server(sandbox)["state"] == "running"


def test_hostile_bytes_and_endless_lines_only_end_the_connection(sandbox: Sandbox) -> None:
    for sent in (b"\xff\xfe\x00\r\n", b"A" * 100_000, b"EHLO\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        client = mx_client(server(sandbox))
        assert client.sock is not None
        client.sock.settimeout(5)
        try:
            client.sock.sendall(sent)
            while client.sock.recv(4096):
                pass
        except OSError:
            pass
        client.close()
    from_outside(sandbox, "john@our.test")
    assert len(received(sandbox, "jane@ext.test")) == 1
