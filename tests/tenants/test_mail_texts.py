"""Every text of a mail and a notice goes through gettext: by its source, and in a pseudo-language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import trans_real

import tenants.actions
from tenants.actions import accounts, digests
from tenants.actions.notices import About, Letter, notify
from tenants.actor import Actor
from tenants.models import Domain, Notice, OutgoingMail
from tenants.notices import KINDS
from tests.web.people import mails_to

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
    known = r"https?://\S+|\S+@\S+|/\S+|Analytical Society|example\.org|Rookery, |\b\w+ \d{4}, \d\d:\d\d \w+"
    for letter in letters:
        assert re.findall(r"[A-Za-z]{2,}", re.sub(known, "", letter)) == [], letter
