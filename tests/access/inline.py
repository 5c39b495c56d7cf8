"""What a page must not carry: scripts, styles and handlers that stand in the page itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

# Thousands of answers are looked at: only one with a word of these is read tag by tag.
_WORDS = ("style", "<iframe", "<object", "<embed", "<base", "hx-on", "script:", "data:")
_HANDLER = re.compile(r" on[a-z]+=")
_SCRIPTS = ("<script src=", '<script type="module" src=')
# Addresses in these can be a script.
_ADDRESSES = {"href", "src", "action", "formaction", "srcset", "data", "poster", "xlink:href"}


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.found.append(f"<{tag}>")
        if tag in {"iframe", "object", "embed", "base"}:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            # htmx would hand hx-on to eval.
            if name == "style" or name.startswith(("on", "hx-on", "data-hx-on")):
                self.found.append(f"<{tag} {name}>")
            if name in _ADDRESSES and not _is_fetched(value or ""):
                self.found.append(f"<{tag} {name}={value!r}>")

    handle_startendtag = handle_starttag


def _is_fetched(address: str) -> bool:
    before = address.strip().lower().partition(":")
    return not before[1] or before[0] in {"http", "https", "mailto"} or not before[0].isalpha()


def inline(body: str) -> list[str]:
    """The start tags that the content security policy would have to allow."""
    if not _hints(body):
        return []
    finder = _Finder()
    finder.feed(body)
    finder.close()
    return finder.found


def _hints(body: str) -> bool:
    page = body.lower().replace('<link rel="stylesheet"', "")
    if any(word in page for word in _WORDS) or _HANDLER.search(page):
        return True
    return page.count("<script") > sum(page.count(each) for each in _SCRIPTS)


def unsafe(answer: Any) -> list[str]:
    """What is wrong with how an answer is served: its headers, and what stands in its page."""
    wrong = []
    policy = answer.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or "frame-ancestors 'none'" not in policy:
        wrong.append(f"Content-Security-Policy: {policy}")
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ):
        if answer.get(name) != value:
            wrong.append(f"{name}: {answer.get(name)}")
    if answer.get("Referrer-Policy") not in {"same-origin", "strict-origin"}:
        wrong.append(f"Referrer-Policy: {answer.get('Referrer-Policy')}")
    if "Permissions-Policy" not in answer:
        wrong.append("no Permissions-Policy")
    if not {"no-store", "public"} & set(answer.get("Cache-Control", "").split(", ")):
        wrong.append(f"Cache-Control: {answer.get('Cache-Control')}")
    if not answer.streaming and answer.get("Content-Type", "").startswith("text/html"):
        wrong += inline(answer.content.decode())
    return wrong
