"""One person with a browser of their own; everything that it says and sends is written down."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, Request, expect

TIMEOUT_MS = 10_000
# A worker writes, a server restarts: on a busy machine this takes a while.
SLOW_MS = 30_000
MOST_LOOKS = 120


@dataclass
class Visitor:
    """`complaints` are errors of the console (refusals of the content security policy are among them) and
    of scripts; `sent` is every address and body that left the browser."""

    url: str
    context: BrowserContext
    page: Page = field(init=False)
    complaints: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", self._sends)
        self.page = self.context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} ({self.page.url})")

    def _sends(self, request: Request) -> None:
        self.sent.append(request.url.encode() + b"\n" + (request.post_data_buffer or b""))

    def open(self, path: str) -> Page:
        """Go to a page of the panel; it must exist."""
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return self.page

    def press(self, name: str, *, role: Any = "button") -> None:
        """Press the one button (or follow the one link) of that name, and wait for the next page."""
        target = self.page.get_by_role(role, name=name, exact=True)
        with self.page.expect_navigation():
            target.click()

    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def says(self, words: str | re.Pattern[str], *, slowly: bool = False) -> None:
        """The heading of the page says `words`, perhaps after a while."""
        expect(self.heading()).to_contain_text(words, timeout=SLOW_MS if slowly else TIMEOUT_MS)

    def open_until(self, path: str, what: Locator) -> None:
        """Load a page again until it shows something; for pages that do not follow by themselves."""
        for _ in range(MOST_LOOKS):
            self.open(path)
            if what.count():
                return
            self.page.wait_for_timeout(150)
        raise AssertionError(f"{path} never showed it; it says: {self.page.locator('main').inner_text()}")

    def read_mail(self, address: str, subject: str) -> str:
        """Open the newest mail to `address` with that subject in the sandbox; returns its text."""
        boxes = self.page.locator("section").filter(
            has=self.page.get_by_role("heading", name=address, exact=True)
        )
        letter = boxes.get_by_role("link", name=subject).first
        self.open_until("/sandbox/mail", letter)
        letter.click()
        expect(self.heading()).to_contain_text(subject)
        return self.page.locator("pre").inner_text()

    def follow_link_in_mail(self, path: str) -> None:
        """Press the link to a page below `path` in the mail that is open."""
        self.page.locator(f'pre a[href^="{self.url}{path}"]').click()
        self.page.wait_for_url(f"{self.url}{path}**")

    def sign_in(self, email: str) -> None:
        """By a one-time link, as anybody does."""
        self.open("/sign-in")
        self.page.get_by_label("Your e-mail address").first.fill(email)
        self.press("Send me a link")
        self.read_mail(email, "Your link to sign in")
        self.follow_link_in_mail("/sign-in/")
        self.press("Sign me in")

    def see_all_organizations(self) -> None:
        """Lists may be narrowed to one organization, for all windows of a session; undo that."""
        menu = self.open("/").locator("details.org")
        if menu.count():
            menu.locator("summary").click()
            self.press("All organizations")

    def close(self) -> None:
        try:
            self.context.close()
        except Error as error:  # the browser went first
            self.complaints.append(str(error))


def new_visitor(browser: Browser, url: str, **options: Any) -> Visitor:
    """Options are those of Playwright's contexts (`storage_state`, `java_script_enabled`, …)."""
    return Visitor(url, browser.new_context(**{"reduced_motion": "reduce", **options}))
