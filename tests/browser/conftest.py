"""One running product for all tests of a worker, and browsers for the people of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect

from tests.browser.places import Places, live_in
from tests.browser.product import Product, running_product
from tests.browser.visitor import TIMEOUT_MS, Visitor, new_visitor

expect.set_options(timeout=TIMEOUT_MS)
Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="session")
def administrator(product: Product, chromium: Browser) -> StorageState:
    """The cookies of the first administrator, who pressed the one-time link that was printed."""
    visitor = new_visitor(chromium, product.url)
    visitor.open(product.first_link)
    visitor.press("Sign me in")
    visitor.says("Good ")
    state = visitor.context.storage_state()
    visitor.close()
    assert visitor.complaints == []
    return state


@pytest.fixture(scope="session")
def places(product: Product, chromium: Browser, administrator: StorageState) -> Places:
    visitors: list[Visitor] = []

    def visit(**options: Any) -> Visitor:
        visitors.append(new_visitor(chromium, product.url, **options))
        return visitors[-1]

    made = live_in(visit, administrator, product.repositories)
    for visitor in visitors:
        visitor.close()
    assert [each for visitor in visitors for each in visitor.complaints] == []
    return made


@pytest.fixture
def visit(product: Product, chromium: Browser) -> Iterator[Visit]:
    """Makes a browser for one more person; at the end, no console may have complained."""
    product.forget_who_came()
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        visitors.append(new_visitor(chromium, product.url, **options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.close()
    assert [each for visitor in visitors for each in visitor.complaints] == []
