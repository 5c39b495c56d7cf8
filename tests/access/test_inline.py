"""The finder of what stands inside a page finds it; every page is looked at in test_pages_matrix."""

from __future__ import annotations

import pytest

from tests.access.inline import inline


@pytest.mark.parametrize(
    "page",
    [
        "<script>x</script>",
        "<p><STYLE>a{}</STYLE>",
        "<p style='color:red'>",
        "<button onclick=x>",
        "<img src=x onerror='a'/>",
        "<a href=' JavaScript:alert(1)'>",
        "<form action='data:text/html,x'>",
        "<div hx-on:click='x'>",
        "<iframe src='/x'>",
        "<base href='/'>",
    ],
)
def test_it_finds(page: str) -> None:
    assert inline(page)


@pytest.mark.parametrize(
    "page",
    [
        "<script src='/static/x.js'></script><link rel=stylesheet href='/static/x.css'>",
        "<p>on style=this &lt;script&gt;</p><a href='/d/x.example?x=1:2'>y</a><a href='mailto:a@b'>z</a>",
        "<a href='https://x.example/'>x</a><a href='#main'>m</a><img src='/static/a.svg' alt='onload=x'>",
    ],
)
def test_it_leaves_alone(page: str) -> None:
    assert inline(page) == []
