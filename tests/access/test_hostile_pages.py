"""Hostile text in every field of every form, every parameter and every address of the pages.

It is refused beside its field, or kept and shown as the text that it is. Never an error of ours; nothing half
written.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django import forms

from tenants.dryrun import rehearsal
from tests.access.doors import (
    BUTTONS,
    FORMS,
    FREE_TEXT,
    IN_BUTTONS,
    PASSWORDS,
    QUERIES,
    SISTERS,
    all_forms,
    parameters_read,
)
from tests.access.hostile import (
    FREE,
    LINES,
    MARK,
    SCRIPT,
    TEXTS,
    never_as_markup,
    too_long_for_their_columns,
)
from tests.access.pages import ROWS
from tests.access.rows import ROUTES, Row
from tests.access.stage import Stage, differences, fields_in_error, only_reading, snapshot, taken_back

pytestmark = pytest.mark.one_database

# Pages lead to the same actions as the API; here each form is tried with all of them, its fields in turns.
# Markup is tried in each field: only pages can show it as what it must not be.
TURNS = 3


def texts_at(place: int) -> dict[str, str]:
    """Those whose turn it is at the form's field of that place."""
    turn = {kind for at, kind in enumerate(TEXTS) if at % TURNS == place % TURNS}
    return {kind: text for kind, text in TEXTS.items() if kind in turn | {"script"}}


PRESSES = {row.name: row for row in ROWS if row.method == "POST"}
DOORS = [
    (name, field)
    for name, form in FORMS.items()
    for field, kind in form.base_fields.items()
    if name not in BUTTONS and not isinstance(kind, forms.BooleanField)
]
PLACES = ("/", "/activity", "/d/example.org/addresses", "/d/example.org/addresses/ada", "/requests")


def test_every_form_is_tried() -> None:
    assert set(FORMS.values()) | SISTERS == all_forms()
    for name, form in FORMS.items():
        switches = {field for field, kind in form.base_fields.items() if isinstance(kind, forms.BooleanField)}
        assert set(form.base_fields) - switches == set(PRESSES[name].data or {}) - switches, name
    ticked = {
        (name, field)
        for name, form in FORMS.items()
        for field, kind in form.base_fields.items()
        if isinstance(kind, forms.BooleanField)
    }
    fields = {(row.name, field) for row in PRESSES.values() for field in row.data or {} if field != "do"}
    fields -= ticked  # there or not; what stands in one means nothing
    assert fields <= {*DOORS, *((name, field) for name, found in BUTTONS.items() for field in found)}


def test_every_parameter_is_tried() -> None:
    assert parameters_read() <= {name for found in QUERIES.values() for name in found} | IN_BUTTONS


def person_for(row: Row, stage: Stage) -> Any:
    if row.answer("anonymous") != "in":
        return stage.people["nobody"]
    return stage.people["olga" if row.answer("operator") != "403" else "hanna"]


def is_kept(door: tuple[str, str], kind: str) -> bool:
    if door in PASSWORDS:
        return kind not in {"huge", "letters", "newline", "NUL", "bidi", "isolate", "zero width"} or False
    return (kind in FREE and door in FREE_TEXT) or (kind in LINES and FREE_TEXT.get(door, False))


@pytest.mark.parametrize("door", [door for door in DOORS if door not in PASSWORDS], ids="-".join)
def test_text_in_forms(door: tuple[str, str], stage: Stage, before: dict[str, str]) -> None:
    name, field = door
    row = PRESSES[name]
    person, address = person_for(row, stage), row.address(stage.ours)
    for kind, text in texts_at(list(FORMS[name].base_fields).index(field) + list(FORMS).index(name)).items():
        with taken_back(before) as changed:
            answer = person.ask("POST", address, {**row.body(stage.ours), field: text})
            never_as_markup(answer)
            written = changed()
            if is_kept(door, kind):
                assert answer.status_code in {200, 302}, (kind, answer.content[:2000])
                assert written, kind
                assert too_long_for_their_columns(changed()) == [], kind
                _shown_as_text(stage, person, row, answer, kind)
            else:
                assert answer.status_code == 400, (kind, answer.status_code)
                assert field in fields_in_error(answer), kind
                assert written == set(), kind


def _shown_as_text(stage: Stage, person: Any, row: Row, answer: Any, kind: str) -> None:
    """On the pages that a team looks at afterwards, and on the one where it led."""
    if kind != "script":
        return
    olga, there = stage.people["olga"], answer.get("Location", "/account/tokens")
    pages = [olga.ask("GET", address) for address in PLACES] + [person.ask("GET", there)]
    for request_id in (stage.ours.request.pk, stage.ours.request.pk + 2):
        pages.append(olga.ask("GET", f"/requests/{request_id}"))
    for page in pages:
        never_as_markup(page)
    assert any(f"&lt;script&gt;{MARK}".encode() in page.content for page in pages), row.name


@pytest.mark.parametrize("kind", ["script", "shell", "bidi", "NUL", "newline"])
def test_a_panel_password_is_taken_as_it_is(kind: str, stage: Stage) -> None:
    """It is hashed, never shown and never a part of anything: every character may help."""
    text = f"{TEXTS[kind]}-ferry-lantern"
    with rehearsal():
        answer = stage.people["alice"].ask("POST", "/account/password", {"password": text})
        assert answer.status_code == 302
        account = stage.people["alice"].actor.account  # type: ignore[union-attr]
        account.refresh_from_db()  # type: ignore[union-attr]
        assert account.check_password(text)  # type: ignore[union-attr]


def test_a_huge_panel_password_is_refused(stage: Stage) -> None:
    with rehearsal():
        answer = stage.people["alice"].ask("POST", "/account/password", {"password": TEXTS["huge"]})
        assert answer.status_code == 400
        assert fields_in_error(answer) == {"password"}


@pytest.mark.parametrize("way", ["password", "link", SCRIPT])
@pytest.mark.parametrize("field", ["email", "password", "next"])
def test_text_at_the_sign_in(field: str, way: str, stage: Stage) -> None:
    typed = {"way": way, "email": "ada@home.example", "password": "ferry-lantern-otter", "next": "/"}
    for kind, text in TEXTS.items():
        with rehearsal():
            answer = stage.people["nobody"].ask("POST", "/sign-in", {**typed, field: text})
            assert answer.status_code in {200, 400}, kind
            never_as_markup(answer)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, found in BUTTONS.items() for field in found]
)
def test_text_in_buttons(name: str, field: str, stage: Stage, before: dict[str, str]) -> None:
    """They name things: what is not one of them is refused, on the page or by a line on the next."""
    row = PRESSES[name]
    for kind, text in texts_at(list(BUTTONS).index(name)).items():
        with taken_back(before) as changed:
            answer = stage.people["olga"].ask(
                "POST", row.address(stage.ours), {**row.body(stage.ours), field: text}
            )
            never_as_markup(answer)
            if is_kept((name, field), kind):
                assert answer.status_code == 302, kind
                assert changed(), kind
                _shown_as_text(stage, stage.people["olga"], row, answer, kind)
                continue
            if name.endswith(("repository-pin", "host-pin")) and field == "host_name":  # for changed keys
                assert answer.status_code == 302
                continue
            assert answer.status_code in {302, 400, 404, 409}, (kind, answer.status_code)
            assert changed() == set(), kind


# Pages that are about what a parameter names.
NAMED_THERE = {"autoconfig": {400, 404}, "domain-check-line": {404}, "stack-upgrade": {200, 404}}
NUMBERS = ("-1", "0", "9" * 18, "9" * 19, "9" * 5000, "１", "1e9", "")


@pytest.mark.parametrize("name", QUERIES)
def test_text_in_parameters(name: str, stage: Stage) -> None:
    """In all parameters of a page at once: it is shown, as if nothing was asked or found."""
    row = next(row for row in ROWS if (row.name, row.method) == (name, "GET"))
    person = stage.people["nobody" if row.answer("anonymous") == "200" else "olga"]
    address = row.address(stage.ours).partition("?")[0]
    texts = [quote(text) for text in (*TEXTS.values(), *NUMBERS, "%", "a" * 3000) if len(text) < 10_000]
    with only_reading() as writes:
        for text in (*texts, "%ff%ed%a0%80%00"):
            answer = person.ask("GET", f"{address}?{'&'.join(f'{field}={text}' for field in QUERIES[name])}")
            assert answer.status_code in NAMED_THERE.get(name, {200}), text[:80]
            never_as_markup(answer)
    assert writes == []


def test_a_link_cannot_offer_to_add_a_target(stage: Stage) -> None:
    """The Undo after taking a target away is offered to whoever did that, and for that target only."""
    address = "/d/example.org/addresses/ada?removed=second@home.example"
    with rehearsal():
        row = PRESSES["address-target-remove"]
        stage.people["alice"].ask("POST", row.address(stage.ours), row.body(stage.ours))
        offered = {
            (person, removed): b"targets/add?"
            in stage.people[person].ask("GET", f"{address}{removed}").content
            for person in ("alice", "mona")
            for removed in ("", ".attacker.example")
        }
    assert offered == {
        ("alice", ""): True,
        ("mona", ""): False,
        ("alice", ".attacker.example"): False,
        ("mona", ".attacker.example"): False,
    }


ODD_PATHS = (
    "%00", "a%0ab", "%e2%80%ae", "%ed%a0%80", "..", "%2e%2e%2f", "%22", "x" * 3000, "%3Cscript%3E", "-1",
    "9" * 19, "9" * 400, "%EF%BC%91", "ADA", "a@b",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted({row.name for row in ROWS if ROUTES[row.name].variables}))
def test_text_in_addresses(name: str, stage: Stage, before: dict[str, str]) -> None:
    """Each variable part of each address, one at a time: there is no such page."""
    row = next(row for row in ROWS if row.name == name)
    for part in row.parts(stage.ours):
        for text in ODD_PATHS:
            path = row.address(stage.ours).partition("?")[0].replace(f"/{part}", f"/{text}", 1)
            with taken_back(before) as changed:
                answer = stage.people["olga"].ask(row.method, path)
                # Dots and slashes may lead to another page of ours, which is looked at only.
                assert answer.status_code in {200, 302, 404, 405}, path
                never_as_markup(answer)
                if answer.status_code == 404:
                    assert changed() == set()


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
def test_more_than_a_form_holds(size: int, stage: Stage) -> None:
    before = snapshot()
    for person, address in (
        ("nobody", "/ask/example.org"),
        ("nobody", "/sign-in"),
        ("alice", "/d/example.org/addresses/ada/note"),
    ):
        answer = stage.people[person].ask("POST", address, {"note": "x" * size})
        assert answer.status_code in {400, 413}, address
    assert differences(before, snapshot()) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=note\r\n\r\n\xff"),
        ("multipart/form-data; boundary=" + "y" * 300, b"--"),
        ("application/json", b'{"note": "x"}'),
        ("application/x-www-form-urlencoded; charset=utf-16", b"\xff\xfen\x00"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"note=x"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % number for number in range(1200))),
        ("application/x-www-form-urlencoded", b"note=%ff%ed%a0%80%00"),
        ("", b"note=x"),
    ],
)
def test_bodies_that_are_no_form(kind: str, body: bytes, stage: Stage) -> None:
    for person in ("nobody", "alice"):
        client = stage.people[person].browser
        for address in ("/ask/example.org", "/d/example.org/addresses/ada/passphrase", "/sign-in"):
            with rehearsal():
                answer = client.generic("POST", address, body, content_type=kind)
            assert answer.status_code < 500, (address, answer.status_code)
