from __future__ import annotations

import os
import smtplib
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel import maildrop
from tests.sandbox.world import MESSAGE
from workers.sandbox.control import Sandbox
from workers.sandbox.maildirs import KEEP, CannotKeepError, MailStore, folder_name


def test_the_panels_mails_are_kept(sandbox: Sandbox) -> None:
    room = sandbox.status()["mailroom"]
    with smtplib.SMTP(room["host"], room["port"], local_hostname="panel.test", timeout=5) as client:
        for subject in (b"First", b"Second"):
            client.sendmail(
                "panel@rookery.test",
                ["Anna@Ext.test", "bob@ext.test"],
                MESSAGE.replace(b"Hello", subject),
            )
    assert maildrop.list_addresses(sandbox.mail_folder) == ["anna@ext.test", "bob@ext.test"]
    subjects = [found.subject for found in maildrop.list_mails(sandbox.mail_folder, "anna@EXT.test")]
    assert subjects == ["Second", "First"]
    assert maildrop.list_mails(sandbox.mail_folder, "anna@ext.test", limit=1)[0].subject == "Second"


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    kept = MailStore(tmp_path / "mail").keep("a@ext.test", MESSAGE)
    assert stat.S_IMODE(kept.parent.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


def test_old_mails_make_room(tmp_path: Path) -> None:
    store = MailStore(tmp_path / "mail")
    for number in range(KEEP + 3):
        store.keep("a@ext.test", b"Subject: %d\r\n\r\n" % number)
    assert len(list((tmp_path / "mail" / "a@ext.test" / "new").iterdir())) == KEEP
    assert maildrop.list_mails(tmp_path / "mail", "a@ext.test")[0].subject == str(KEEP + 2)


addresses = st.builds(
    lambda local, domain: f"{local}@{domain}",
    st.text(min_size=1, max_size=12),
    st.text(min_size=1, max_size=12),
)


@settings(deadline=None)
@given(addresses)
def test_every_address_has_a_safe_folder_name_that_the_panel_finds(address: str) -> None:
    try:
        name = folder_name(address)
    except CannotKeepError:
        return
    assert "/" not in name
    assert "\0" not in name
    assert not name.startswith(".")
    assert name.isascii()
    assert maildrop._maildir(Path("/mail"), address) == Path("/mail") / name


def test_too_long_an_address_is_refused() -> None:
    with pytest.raises(CannotKeepError):
        folder_name("a" * 250 + "@ext.test")


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=2_000))
def test_any_bytes_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("mail")
    MailStore(folder).keep("a@ext.test", content)
    (found,) = maildrop.list_mails(folder, "a@ext.test")
    mail = maildrop.read_mail(folder, "a@ext.test", found.key)
    assert not set(mail.subject + mail.sender) & set("\r\n\0\x1b\u202e")
    assert "\x1b" not in mail.text


def test_hostile_mail_is_shown_as_harmless_text(tmp_path: Path) -> None:
    store = MailStore(tmp_path)
    content = (
        b"Subject: =?utf-8?q?Pay_=E2=80=AE_now=0D=0ABcc:_x?=\r\nFrom: =?bad?x?y?= <a@ext.test>\r\n"
        b"Date: not a date\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<script>x</script>\r\n"
        b"--b\r\nContent-Type: text/plain; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"Z3LDvMOfZRtbMW0K\r\n--b--\r\n"
    )
    store.keep("a@ext.test", content)
    (found,) = maildrop.list_mails(tmp_path, "a@ext.test")
    mail = maildrop.read_mail(tmp_path, "a@ext.test", found.key)
    assert "\u202e" not in mail.subject
    assert "\n" not in mail.subject
    assert mail.text == "grüße\N{REPLACEMENT CHARACTER}[1m\n"
    assert mail.date is None


def test_a_long_mail_is_cut_and_says_so(tmp_path: Path) -> None:
    MailStore(tmp_path).keep("a@ext.test", b"Subject: x\r\n\r\n" + b"y" * 2_000_000)
    (found,) = maildrop.list_mails(tmp_path, "a@ext.test")
    mail = maildrop.read_mail(tmp_path, "a@ext.test", found.key)
    assert mail.cut
    assert len(mail.text) == maildrop.MAX_TEXT


@pytest.mark.parametrize(
    "key", ["../../../etc/passwd", "", "nothing", "1.a.b/../../x", "0" * 20 + ".1_1.sandbox"]
)
def test_other_keys_name_nothing(tmp_path: Path, key: str) -> None:
    MailStore(tmp_path).keep("a@ext.test", MESSAGE)
    with pytest.raises(maildrop.NoSuchMailError):
        maildrop.read_mail(tmp_path, "a@ext.test", key)


def test_links_and_pipes_in_a_maildir_are_passed_over(tmp_path: Path) -> None:
    kept = MailStore(tmp_path).keep("a@ext.test", MESSAGE)
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    secret.write_text("Subject: secret\n\n")
    (kept.parent / "01700000000000000001.1_1.sandbox").symlink_to(secret)
    os.mkfifo(kept.parent / "01700000000000000002.1_1.sandbox")
    assert [found.subject for found in maildrop.list_mails(tmp_path, "a@ext.test")] == ["Hello"]


def test_nothing_kept_is_nothing_listed(tmp_path: Path) -> None:
    assert maildrop.list_addresses(tmp_path / "none") == []
    assert maildrop.list_mails(tmp_path, "../..") == []
