"""Every text of a mail and a notice goes through gettext: by source, pseudo-language and catalogue."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path

import pytest
from django.utils import timezone, translation
from django.utils.translation import trans_real

import tenants.actions
from tenants.actions import accounts, digests, webhook_deliveries, webhooks
from tenants.actions.notices import About, Letter, notify
from tenants.actor import Actor
from tenants.models import Domain, Event, Notice, Organization, OutgoingMail
from tenants.notices import KINDS
from tests.web.people import mails_to

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "tenants").rglob("*.py"))
_WRITERS = {"owe_mail", "unsaved_mail", "Letter", "warn", "notify"}
_TRANSLATES = {"_", "gettext", "ngettext", "gettext_lazy"}
# What these say is for the log of what was done, which has one language.
_LOGGED = {"record", "record_step", "unsaved_event", "final", "undoable"}
_PROSE = re.compile(r"[a-z]{2,}[.,:]? +[a-z]{2,}|Hello", re.IGNORECASE)


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _writes_mail(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Call) and _name(node) in _WRITERS for node in ast.walk(function))


def _is_of_the_log(node: ast.Assign | ast.AugAssign) -> bool:
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    return getattr(target, "id", "") == "sentence"


def _untranslated(node: ast.AST, *, is_written: bool = False) -> Iterator[str]:
    """Prose in what a mail is written from, outside of gettext."""
    if isinstance(node, ast.Raise | ast.arguments):
        return
    if isinstance(node, ast.Call):
        if _name(node) in _TRANSLATES | _LOGGED:
            return
        is_written = is_written or _name(node) in _WRITERS
    if isinstance(node, ast.Assign | ast.AugAssign) and _is_of_the_log(node):
        return
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    if is_written and is_text and _PROSE.search(node.value):  # type: ignore[attr-defined]
        yield node.value  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        yield from _untranslated(child, is_written=is_written)


def _left_out(source: str) -> list[str]:
    found: list[str] = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef) or not _writes_mail(function):
            continue
        # A function of which a mail is the whole purpose writes it from all of its lines.
        whole = function.name.startswith(("_tell", "tell", "_welcome", "_mail", "mail", "_owe", "warn"))
        body = function.body[1:] if ast.get_docstring(function) else function.body
        for line in body:
            found += _untranslated(line, is_written=whole)
    return found


@pytest.mark.parametrize(
    "path", sorted(Path(tenants.actions.__file__).parent.glob("*.py")), ids=lambda p: p.stem
)
def test_no_text_is_left_out(path: Path) -> None:
    assert _left_out(path.read_text()) == []


def test_a_text_that_is_left_out_would_be_found() -> None:
    said = """def act():
    record(actor, "act", "This is for the log")
    owe_mail(recipient=who, subject=f"Not for {who}, only for you", body=_("Fine as it is"))
"""
    assert _left_out(said) == ["Not for ", ", only for you"]


class Pseudo(NullTranslations):
    """Each word in other letters, the places of values as they are."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(%\(\w+\)[sd])", message)
        return "".join(each if index % 2 else _strange(each) for index, each in enumerate(parts))

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.gettext(one if number == 1 else many)

    def to_language(self) -> str:
        return "xx"


def _strange(text: str) -> str:
    return re.sub("[A-Za-z]", "ж", text)


@pytest.fixture
def pseudo() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(trans_real._translations, "en-gb", Pseudo())
        # What was found first stays for good.
        patch.setattr(trans_real, "_default", None)
        translation.activate("en-gb")
        yield
    translation.deactivate()


def _english_in(letter: str) -> list[str]:
    known = r"https?://\S+|\S+@\S+|/\S+|Analytical Society|example\.org|Rookery, |"
    known += r"\b\w+ \d{4}, \d\d:\d\d \w+"
    return re.findall(r"[A-Za-z]{2,}", re.sub(known, "", letter))


@pytest.mark.django_db
@pytest.mark.one_database
def test_mails_and_summaries_in_a_pseudo_language(alice: Actor, domain: Domain, pseudo: None) -> None:
    OutgoingMail.objects.all().delete()
    assert alice.account is not None
    accounts.ask_for_sign_in_link(actor=Actor(ip="192.0.2.1"), email=alice.account.email)
    accounts.create_token(actor=alice, name="77")
    about = About("/d", thing=domain, domain=domain)
    notify(KINDS["checks_turned"], about, line=lambda: "88", mail=lambda _: Letter("88", "88"))
    digests_of = digests.digest_letter(list(Notice.objects.order_by("pk")), more=3)
    letters = [*mails_to(alice.account.email), digests_of.body, digests_of.subject]
    assert len(letters) == 5
    for letter in letters:
        assert _english_in(letter) == [], letter


@pytest.mark.django_db
@pytest.mark.one_database
def test_what_is_told_of_webhooks_in_a_pseudo_language(
    alice: Actor, organization: Organization, pseudo: None
) -> None:
    """Its reason, too: the log has it in its own language, the mail in that of its reader."""
    hook, _ = webhooks.add_webhook(actor=alice, organization=organization, url="https://x.example/", name="7")
    OutgoingMail.objects.all().delete()
    gone = webhook_deliveries.Tried(at=timezone.now(), milliseconds=1, status=410)
    delivery = hook.deliveries.get()
    webhook_deliveries.end_attempt(
        actor=Actor.rookery(), webhook=hook, delivery=delivery, tried=gone, jitter=0.5
    )
    assert alice.account is not None
    [letter] = mails_to(alice.account.email)
    assert [each for each in _english_in(letter) if each not in {"x", "example"}] == [], letter
    assert "answered 410" in Event.objects.get(verb="stop_webhook").sentence
    [notice] = Notice.objects.filter(kind="webhook_stopped")
    assert _english_in(notice.line) == []


# A catalogue ------------------------------------------------------------------------------------------


def _marked() -> Iterator[ast.Call]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node) in _TRANSLATES | {"gettext_noop"}:
                yield node


def _texts() -> set[str]:
    """What is marked in the source; a call with a value alone looks up what is marked elsewhere."""
    found: set[str] = set()
    for call in _marked():
        for given in call.args[: 2 if _name(call) == "ngettext" else 1]:
            assert isinstance(given, ast.Constant | ast.Name), ast.unparse(call)
            if isinstance(given, ast.Constant):
                found.add(given.value)
    return found


def _entries(catalogue: str) -> set[str]:
    """The texts of a `.po` file."""
    found = re.findall(r'^msgid(?:_plural)? ((?:".*"\n)+)', catalogue, re.MULTILINE)
    return {"".join(ast.literal_eval(line) for line in each.splitlines()) for each in found}


def test_every_text_stands_in_the_source_as_it_is() -> None:
    """What is glued together, or made at run time, is in no catalogue."""
    texts = _texts()
    assert "Your link to sign in to Rookery" in texts
    assert all("{" not in each for each in texts)
    # A value alone: the reasons of webhooks, which are marked where they are written.
    values = [ast.unparse(call) for call in _marked() if isinstance(call.args[0], ast.Name)]
    assert values == ["_(why)"]


@pytest.mark.debian
def test_a_catalogue_has_every_text(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tenants", tmp_path / "tenants", ignore=shutil.ignore_patterns("*.pyc", "*.txt"))
    (tmp_path / "locale").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "django", "makemessages", "--locale=eo", "--no-location", "--no-wrap"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60)
    catalogue = (tmp_path / "locale" / "eo" / "LC_MESSAGES" / "django.po").read_text()
    assert _texts() - _entries(catalogue) == set()
