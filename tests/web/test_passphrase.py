"""The passphrase never leaves the browser: what is sent is its BLAKE2b hash, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

WORDS = [f"word{number:x}" for number in range(2048)]
POLICY = "default-src 'self'; form-action 'self'"


class Site:
    """A page with the passphrase form, and everything that was posted to it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.posted: list[str] = []
        self.form_attributes = ""

    def answer(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posted.append(route.request.post_data or "")
        body = f"""<!doctype html><html lang="en"><title>x</title>
            <script src="{self.base}/js/theme.js"></script>
            <link rel="stylesheet" href="{self.base}/rookery.css">
            <script type="module" src="{self.base}/js/passphrase.js"></script>
            <form method="post" data-passphrase data-words="/words" {self.form_attributes}>
            <input name="to" data-address-target value="ada@home.example">
            {render_to_string("parts/passphrase.html")}<button id="send">Send</button></form>"""
        route.fulfill(body=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    def open_on(self, page: Page) -> Page:
        page.route("**/words", lambda route: route.fulfill(body="\n".join(WORDS), content_type="text/plain"))
        page.route("**/ask", self.answer)
        page.goto(f"{self.base}/ask")
        return page


@pytest.fixture
def site(static_files_url: str) -> Site:
    return Site(static_files_url)


@pytest.fixture
def form(page: Page, site: Site) -> Page:
    site.open_on(page)
    page.locator("[data-phrase-words] span").nth(5).wait_for()
    return page


@pytest.fixture
def without_javascript(chromium: Browser, site: Site) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=False)
    try:
        yield site.open_on(context.new_page())
    finally:
        context.close()


def send(page: Page) -> None:
    with page.expect_navigation():
        page.click("#send")


def shown_words(page: Page) -> str:
    return page.locator("[data-phrase-words]").inner_text().replace("\n", "")


def test_six_words_are_chosen_and_only_their_hash_is_sent(form: Page, site: Site) -> None:
    phrase = shown_words(form)
    assert len(phrase.split("-")) == 6
    assert set(phrase.split("-")) <= set(WORDS)
    send(form)
    fields = parse_qs(site.posted[0], keep_blank_values=True)
    assert fields == {
        "to": ["ada@home.example"],
        "password_hash": [hashlib.blake2b(phrase.encode()).hexdigest()],
    }


def test_another_one_is_another_one_and_hiding_hides_it(form: Page) -> None:
    before = shown_words(form)
    form.click("[data-phrase-another]")
    assert shown_words(form) != before
    form.click("[data-phrase-reveal]")
    assert "word" not in shown_words(form)


def test_an_own_passphrase_is_hashed_exactly_as_typed(form: Page, site: Site) -> None:
    form.click("[data-phrase-type]")
    form.keyboard.type("Zwölf grüne Ochsen ziehn 7 Fässer ")
    send(form)
    fields = parse_qs(site.posted[0], keep_blank_values=True)
    assert fields == {
        "to": ["ada@home.example"],
        "password_hash": [hashlib.blake2b("Zwölf grüne Ochsen ziehn 7 Fässer ".encode()).hexdigest()],
    }


@pytest.mark.parametrize(
    "text", ["", "hunter2", "aaaaaaaaaaaaaaaaaaaaaaaa", "ada home example", "Password123!"]
)
def test_an_easy_passphrase_is_refused_with_a_sentence(form: Page, site: Site, text: str) -> None:
    form.click("[data-phrase-type]")
    form.fill("[data-phrase-own]", text)
    form.click("#send")
    assert form.evaluate("document.querySelector('[data-phrase-own]').validationMessage")
    assert site.posted == []


def test_the_line_that_b2sum_prints_can_be_pasted(form: Page, site: Site) -> None:
    digest = hashlib.blake2b(b"x").hexdigest()
    form.click("[data-phrase-paste]")
    form.fill("[data-phrase-hash]", digest[:-1])
    form.click("#send")
    assert "128 hex digits" in form.evaluate("document.querySelector('[data-phrase-hash]').validationMessage")
    form.fill("[data-phrase-hash]", f" {digest.upper()}  -")
    send(form)
    assert parse_qs(site.posted[0])["password_hash"] == [digest]


def test_a_form_that_comes_back_keeps_the_passphrase_already_written_down(form: Page, site: Site) -> None:
    digest = hashlib.blake2b(shown_words(form).encode()).hexdigest()
    site.form_attributes = "data-returned"
    send(form)
    form.get_by_text("The passphrase you had here is kept.").wait_for()
    send(form)
    assert [parse_qs(body)["password_hash"] for body in site.posted] == [[digest], [digest]]


def test_without_the_word_list_people_type_their_own(page: Page, site: Site) -> None:
    page.route("**/ask", site.answer)
    page.goto(f"{site.base}/ask")  # nobody serves /words
    page.locator("[data-phrase-own]").wait_for(state="visible")
    assert page.locator("[data-phrase-another]").is_hidden()


def test_without_javascript_only_the_hash_is_asked_for(without_javascript: Page) -> None:
    visible = without_javascript.locator("[data-phrase] input:visible")
    assert [visible.nth(n).get_attribute("name") for n in range(visible.count())] == ["password_hash"]
    assert without_javascript.locator("[data-phrase] button:visible").count() == 0
    assert "b2sum" in without_javascript.locator("[data-phrase] pre").inner_text()


@pytest.mark.parametrize("width", [320, 390])
def test_a_long_passphrase_is_never_cut_on_a_phone(form: Page, width: int) -> None:
    form.set_viewport_size({"width": width, "height": 800})
    cut = """(selector) => { const box = document.querySelector(selector);
      return box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1; }"""
    assert not form.evaluate(cut, "[data-phrase-words]")
    form.click("[data-phrase-type]")
    form.fill("[data-phrase-own]", "a-long-passphrase-of-many-words-" * 4)
    form.click("[data-phrase-reveal]")
    assert form.locator("[data-phrase-echo]").inner_text() == "a-long-passphrase-of-many-words-" * 4
    assert not form.evaluate(cut, "[data-phrase-echo]")
    assert form.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture
def choices(page: Page, static_files_url: str) -> Callable[[int, list[int]], int]:
    """`randomBelow` with the given draws instead of the browser's random numbers."""
    page.goto(f"{static_files_url}/favicon.svg")

    def choose(below: int, draws: list[int]) -> int:
        script = """async ([url, below, draws]) => {
          const { randomBelow } = await import(url);
          return randomBelow(below, (box) => { box[0] = draws.shift(); });
        }"""
        return int(page.evaluate(script, [f"{static_files_url}/js/strength.js", below, draws]))

    return choose


def test_draws_that_would_favour_small_numbers_are_thrown_away(
    choices: Callable[[int, list[int]], int],
) -> None:
    # 65536 = 13 · 5000 + 536: the last 536 draws would make the first 536 words likelier.
    assert choices(5000, [64_999]) == 4999
    assert choices(5000, [65_000, 65_535, 7]) == 7
    assert choices(2048, [65_535]) == 2047
