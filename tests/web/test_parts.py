"""The shared parts: they render what they document, escape what is hostile, and need no inline code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django import forms
from django.template.loader import render_to_string

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
HOSTILE = "<script>alert(1)</script>\"'\u202e{{ settings }}"
STEP = {"state": "done", "note": HOSTILE, "url": "/run"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_strict_content_security_policy_holds(path: Path) -> None:
    text = re.sub(r"{% comment.*?endcomment %}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script"
    assert not re.search(r"<style|\sstyle=", text), "inline style"
    assert not re.search(r"\son[a-z]+=|javascript:|hx-on", text), "inline event handler"
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text), "something from another host"


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "templates/parts").glob("*.html")), ids=lambda path: path.stem
)
def test_every_icon_that_a_template_names_exists(path: Path) -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (PROJECT / "static/icons.svg").read_text()))
    assert set(re.findall(r'icon\.html" with name="([^"]+)"', path.read_text())) <= symbols


@pytest.mark.parametrize(
    ("part", "context"),
    [
        ("badge", {"state": "ok", "word": HOSTILE}),
        ("badge", {"state": "todo", "word": HOSTILE, "url": "/run"}),
        ("proof", {"proof": {"label": HOSTILE, "accepted": STEP, "planned": STEP}}),
        ("steps", {"steps": [{"title": HOSTILE, "detail": HOSTILE, "log": HOSTILE, "advice": HOSTILE}]}),
        ("timeline", {"timeline": [{"title": HOSTILE, "when": HOSTILE, "detail": HOSTILE}]}),
        ("evidence", {"evidence": [{"label": HOSTILE, "value": HOSTILE}]}),
        ("diff", {"diff": [{"name": HOSTILE, "note": HOSTILE, "lines": [{"kind": "add", "text": HOSTILE}]}]}),
        ("empty", {"empty": {"title": HOSTILE, "sentence": HOSTILE, "url": "/", "button": HOSTILE}}),
        ("banner", {"banner": {"state": "stopped", "title": HOSTILE, "sentence": HOSTILE}}),
        ("messages", {"messages": [HOSTILE], "undo": {"sentence": HOSTILE, "url": "/undo"}}),
        ("crumbs", {"crumbs": [{"label": HOSTILE, "url": "/"}, {"label": HOSTILE}]}),
        ("tabs", {"tabs": [{"label": HOSTILE, "url": "/"}], "tabs_label": HOSTILE}),
        ("pagination", {"pages": {"sentence": HOSTILE, "next_url": "/"}}),
    ],
)
def test_hostile_text_is_shown_and_never_obeyed(part: str, context: dict[str, object]) -> None:
    html = render_to_string(f"parts/{part}.html", context)
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_proof_says_every_state_in_words() -> None:
    proof = {
        "accepted": {"state": "done"},
        "planned": {"state": "live"},
        "pushed": {"state": "fail"},
        "observed": {"state": "todo"},
    }
    html = render_to_string("parts/proof.html", {"proof": proof})
    words = [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in re.findall(r"<li.*?</li>", html)]
    assert words == ["accepted", "planning", "not pushed", "observed (not yet)"]


class _Form(forms.Form):
    local = forms.CharField(label="Address", help_text="Small letters.")
    kind = forms.ChoiceField(label="Kind", widget=forms.RadioSelect, choices=[("a", "Alias")])
    agree = forms.BooleanField(label="Restart afterwards", help_text="About 3 s.")

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.fields["local"].suffix = "@example.org"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        raise forms.ValidationError("No address is left.")


def described_ids(html: str) -> Iterator[str]:
    for ids in re.findall(r'aria-describedby="([^"]+)"', html):
        yield from ids.split()


def test_hints_and_errors_are_tied_to_their_fields() -> None:
    html = str(_Form({}))
    ids = set(re.findall(r'\sid="([^"]+)"', html))
    described = set(described_ids(html))
    assert {"id_local_helptext", "id_local_error", "id_kind_error", "id_agree_error"} <= described <= ids
    assert '<span class="suffix">@example.org</span>' in html
    assert 'role="alert"' in html
    assert "No address is left." in html
