"""Live regions: fragments replace their namesakes, polling follows a broken stream, the end is the end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser


class Server:
    """Answers of a stream and of a polled page, one after the other."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.stream: list[str] = []
        self.polls: list[str] = []
        self.asked: list[str] = []

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(self.base)
        self.asked.append(path)
        if path == "/events" and self.stream:
            data = "".join(f"data: {line}\n" for line in self.stream.pop(0).splitlines())
            route.fulfill(body=f"retry: 20\n{data}\n", content_type="text/event-stream")
        elif path == "/poll" and self.polls:
            route.fulfill(body=self.polls.pop(0), content_type="text/html")
        else:
            route.fulfill(status=503)

    def open(self, body: str) -> None:
        html = f'<!doctype html><title>x</title><script type="module" src="/js/live.js"></script>{body}'
        for path in ("events", "poll"):
            self.page.route(f"{self.base}/{path}", self.answer)
        self.page.route(f"{self.base}/run", lambda r: r.fulfill(body=html, content_type="text/html"))
        self.page.clock.install()
        self.page.goto(f"{self.base}/run")


@pytest.fixture
def server(page: Page, static_files_url: str) -> Server:
    return Server(page, static_files_url)


REGION = '<div data-live="/events" data-live-poll="/poll">{}<p data-live-status></p></div>'


def test_a_fragment_replaces_the_element_of_its_name(server: Server, page: Page) -> None:
    server.stream = ['<p id="a" data-live-final>new</p>\n<p id="unknown">not on the page</p>']
    server.open(REGION.format('<p id="a">old</p><p id="b">stays</p>'))
    expect(page.locator("#a")).to_have_text("new")
    expect(page.locator("#b")).to_have_text("stays")
    expect(page.locator("#unknown")).to_have_count(0)


def test_rows_opened_folds_and_the_focus_survive(server: Server, page: Page) -> None:
    fold = '<details id="fold"{}><summary>s</summary>log</details>'
    row = '<table><tr id="row"><td>{}<a id="link" href="#"{}>x</a>{}</td></tr></table>'
    server.polls = [row.format("new", "", fold.format("")) + '<i id="end" data-live-final></i>']
    server.open(REGION.format(row.format("old", " autofocus", fold.format(" open")) + '<i id="end"></i>'))
    expect(page.locator("#row")).to_contain_text("new")
    expect(page.locator("#fold")).to_have_attribute("open", "")
    expect(page.locator("#link")).to_be_focused()


def test_a_stream_that_ends_twice_without_a_word_is_replaced_by_polling_until_the_end(
    server: Server, page: Page
) -> None:
    server.stream = ['<p id="a">streamed</p>', ""]
    server.polls = ['<p id="a">first</p>', '<p id="a" data-live-final>last</p>', '<p id="a">too late</p>']
    server.open(REGION.format('<p id="a">old</p>'))
    expect(page.locator("#a")).to_have_text("first")
    page.clock.run_for(3100)
    expect(page.locator("#a")).to_have_text("last")
    page.clock.run_for(60_000)
    assert server.asked.count("/poll") == 2


def test_a_silent_panel_is_said_asked_less_often_and_heard_again(server: Server, page: Page) -> None:
    server.open(REGION.format('<p id="a">old</p>'))
    expect(page.locator("[data-live-status]")).to_contain_text("does not answer")
    server.polls = ['<p id="a">back</p>']
    page.clock.run_for(5000)  # the next try comes after 6 s, not after 3
    expect(page.locator("#a")).to_have_text("old")
    page.clock.run_for(1500)
    expect(page.locator("#a")).to_have_text("back")
    expect(page.locator("[data-live-status]")).to_have_text("")
