from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from panel import maildrop
from tests.sandbox.world import MESSAGE, PASSPHRASE, UserRepository, entry, submission_client
from workers.sandbox.control import Sandbox
from workers.sandbox.smtp import MAX_MAIL


def server(sandbox: Sandbox) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        role for role in sandbox.status()["roles"] if role["role"] == "submission"
    )
    return found


def console(sandbox: Sandbox) -> str:
    return "\n".join(server(sandbox)["console"])


def login_code(sandbox: Sandbox, user: str, passphrase: str) -> int:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        try:
            return client.login(user, passphrase)[0]
        except smtplib.SMTPAuthenticationError as error:
            return error.smtp_code


def test_login_with_the_local_part_and_a_mail_to_outside(sandbox: Sandbox) -> None:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        assert client.esmtp_features["auth"].split() == ["PLAIN"]
        assert client.esmtp_features["size"] == "10000000"
        client.sendmail("anything@elsewhere.test", ["jane@ext.test"], MESSAGE)
        client.quit()
    sandbox.settle()
    (found,) = maildrop.list_mails(sandbox.mail_folder, "jane@ext.test")
    mail = maildrop.read_mail(sandbox.mail_folder, "jane@ext.test", found.key)
    assert mail.subject == "Hello"
    assert mail.text == "The text.\n.dot\n"
    assert mail.return_path == "<anything@elsewhere.test>"


@pytest.mark.parametrize("user", ["john@our.test", "John", "jane", '"john"', "", "jo\u200bhn"])
def test_any_other_user_name_is_refused(sandbox: Sandbox, user: str) -> None:
    blob = base64.b64encode(f"\0{user}\0{PASSPHRASE}".encode()).decode()
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.ehlo()
        assert client.docmd("AUTH", f"PLAIN {blob}")[0] == 535


def test_the_third_try_closes_the_connection_unseen(sandbox: Sandbox) -> None:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        for _ in range(2):
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                client.login("john", "wrong")
            assert refused.value.smtp_code == 535
        with pytest.raises(smtplib.SMTPException) as closed:
            client.login("john", PASSPHRASE)
        assert getattr(closed.value, "smtp_code", 0) == 554
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
    assert "wrong passphrase" in console(sandbox)


def test_the_console_never_shows_a_passphrase(sandbox: Sandbox) -> None:
    secret = "do-not-write-me-down"
    assert login_code(sandbox, "john", secret) == 535
    assert secret not in console(sandbox)
    assert base64.b64encode(secret.encode()).decode()[:10] not in console(sandbox)


def test_the_two_step_form_wants_its_stamp_back(sandbox: Sandbox) -> None:
    for keep_stamp, code in ((False, 535), (True, 235)):
        with submission_client(server(sandbox), sandbox.ca_file) as client:
            client.ehlo()
            answered, stamp = client.docmd("AUTH", "PLAIN")
            assert answered == 334
            identity = base64.b64decode(stamp) if keep_stamp else b""
            assert len(base64.b64decode(stamp)) == 16
            answer = base64.b64encode(identity + b"\0john\0" + PASSPHRASE.encode()).decode()
            assert client.docmd(answer)[0] == code


def test_an_identity_in_the_one_step_form_is_refused(sandbox: Sandbox) -> None:
    blob = base64.b64encode(b"john\0john\0" + PASSPHRASE.encode()).decode()
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.ehlo()
        assert client.docmd("AUTH", f"PLAIN {blob}")[0] == 535


def test_nothing_but_plain_and_nothing_without_login(sandbox: Sandbox) -> None:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.ehlo()
        assert client.docmd("AUTH", "LOGIN")[0] == 504
        assert client.docmd("AUTH")[0] == 504
        assert client.docmd("MAIL", "FROM:<john@our.test>")[0] == 530
        assert [client.docmd("NOOP")[0] for _ in range(22)] == [530] * 22
        assert client.docmd("NOOP") == (554, b"Too many bad commands")


def test_clear_text_is_not_answered_in_smtp(sandbox: Sandbox) -> None:
    address = server(sandbox)
    with socket.create_connection((address["host"], address["port"]), timeout=5) as connection:
        connection.sendall(b"EHLO client.test\r\n")
        assert not connection.recv(100)[:1].isdigit()


def test_a_client_that_does_not_trust_the_authority_refuses(sandbox: Sandbox) -> None:
    address = server(sandbox)
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(
            address["host"],
            address["port"],
            timeout=3,
            context=ssl.create_default_context(),
            local_hostname="c",
        )


def test_changes_in_the_repository_count_only_after_a_restart(
    sandbox: Sandbox, repository: UserRepository
) -> None:
    before = server(sandbox)
    commit = repository.commit({"eve": entry("eve@ext.test", passphrase="her own words")})
    assert login_code(sandbox, "eve", "her own words") == 535
    assert login_code(sandbox, "john", PASSPHRASE) == 235
    after = sandbox.restart("submission", "our.test")
    assert (after["state"], after["commit"], after["entries"]) == ("running", commit, 1)
    assert (after["host"], after["port"]) == (before["host"], before["port"])
    assert login_code(sandbox, "eve", "her own words") == 235
    assert login_code(sandbox, "john", PASSPHRASE) == 535


def test_unreadable_entries_are_skipped_with_a_warning(sandbox: Sandbox, repository: UserRepository) -> None:
    repository.commit({"README": b"hello\x1b[31m", "john": entry("jane@ext.test"), "bad": b'{"targets": []}'})
    status = sandbox.restart("submission", "our.test")
    assert {skipped["name"] for skipped in status["skipped"]} == {"README", "bad"}
    assert status["skipped_count"] == 2
    assert "WARN" in console(sandbox)
    assert "\x1b" not in console(sandbox)
    assert login_code(sandbox, "john", PASSPHRASE) == 235


def test_too_big_a_mail_is_cut_off(sandbox: Sandbox) -> None:
    line = b"x" * 998 + b"\r\n"
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        with pytest.raises((smtplib.SMTPException, OSError)):
            client.sendmail("john@our.test", ["jane@ext.test"], line * (MAX_MAIL // len(line) + 1))
    sandbox.settle()
    assert maildrop.list_mails(sandbox.mail_folder, "jane@ext.test") == []
    assert "Too big data" in console(sandbox)


def test_one_mail_for_each_connection_and_a_hundred_recipients(sandbox: Sandbox) -> None:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        assert client.docmd("MAIL", "FROM:<john@our.test>")[0] == 250
        codes = {client.docmd("RCPT", f"TO:<r{number}@ext.test>")[0] for number in range(100)}
        assert codes == {250}
        assert client.docmd("RCPT", "TO:<r100@ext.test>")[0] == 452
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        client.sendmail("john@our.test", ["jane@ext.test"], MESSAGE)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("john@our.test", ["jane@ext.test"], MESSAGE)


def test_recipients_of_two_domains_end_in_one(sandbox: Sandbox) -> None:
    with submission_client(server(sandbox), sandbox.ca_file) as client:
        client.login("john", PASSPHRASE)
        client.sendmail("john@our.test", ["a@x.test", "b@y.test"], MESSAGE)
    sandbox.settle()
    assert maildrop.list_addresses(sandbox.mail_folder) == ["a@y.test", "b@y.test"]


def connect(sandbox: Sandbox) -> ssl.SSLSocket:
    address = server(sandbox)
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    plain = socket.create_connection((address["host"], address["port"]), timeout=5)
    return context.wrap_socket(plain, server_hostname="smtp.our.test", do_handshake_on_connect=False)


def test_a_twenty_first_session_waits_until_one_ends(sandbox: Sandbox) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(sandbox)) for _ in range(20)]
        for client in clients:
            client.do_handshake()
            assert client.recv(4) == b"220 "
        late = stack.enter_context(connect(sandbox))
        late.settimeout(0.1)
        with pytest.raises(TimeoutError):
            late.do_handshake()
        clients[0].close()
        late.settimeout(5)
        late.do_handshake()
        assert late.recv(4) == b"220 "
