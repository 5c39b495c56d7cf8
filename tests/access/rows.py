"""What a row of the tables of expectations says, and how it becomes a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.http import urlencode

from tests.world import World

# How a person stands to an organization; the columns of every table.
RELATIONS = ("anonymous", "stranger", "holder", "viewer", "manager", "owner", "operator")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# What stands in an address unless a row says otherwise, and what stands there when there is no such thing.
_USUAL: dict[str, tuple[str, str]] = {
    "organization_id": ("{organization}", "999999"),
    "letter_id": ("{letter}", "999999"),
    "member_id": ("{member}", "999999"),
    "request_id": ("{request}", "999999"),
    "invitation_id": ("{invitation}", "999999"),
    "role_id": ("{role}", "999999"),
    "run_id": ("{run}", "999999"),
    "event_id": ("{event}", "999999"),
    "target_id": ("{target}", "999999"),
    "mailbox_id": ("{mailbox}", "999999"),
    "import_id": ("{import}", "999999"),
    "repository_id": ("{zone_repository}", "999999"),
    "key_id": ("{zone_key}", "999999"),
    "export_id": ("{export}", "999999"),
    "signing_key_id": ("{signing_key}", "999999"),
    "server_id": ("{secondary}", "999999"),
    "name_server_id": ("{update_server}", "999999"),
    "share_id": ("{share}", "999999"),
    "rule_id": ("{rule}", "999999"),
    "network_id": ("{network}", "999999"),
    "public_id": ("{public}", "999999"),
    "image_id": ("{image}", "999999"),
    "reader_id": ("{reader}", "999999"),
    "volume_id": ("{volume}", "999999"),
    "fetch_id": ("{fetch}", "999999"),
    "feed_id": ("{feed}", "999999"),
    "webhook_id": ("{webhook}", "999999"),
    "delivery_id": ("{delivery}", "999999"),
    "build_server_id": ("{build_server}", "999999"),
    "unikernel_id": ("{unikernel}", "999999"),
    "held_id": ("{held}", "999999"),
    "token_id": ("{token}", "999999"),
    "name": ("0123456789abcdef", "fedcba9876543210"),
    "passkey_id": ("999998", "999999"),
    "domain": ("{domain}", "nowhere.example"),
    "local_part": ("ada", "nobody"),
    "address": ("ada@{domain}", "nobody@nowhere.example"),
    "target_address": ("second@home.example", "nobody@home.example"),
    "email": ("{email}", "nobody@nowhere.example"),
    "page_token": ("{page}", "x" * 43),
    "token": ("", "x" * 43),
    "key": ("1", "1"),
    "number": ("1", "9999"),
    "form": ("bind", "xml"),
    "kind": ("A", "MX"),
    "owner": ("ns1.{domain}", "nothing.nowhere.example"),
    "change": ("{change}", "WzEsMSw3XQ:1xUjvQ:2SN0mw_oKd65H7fVqjWQQV4FKNtk6G0QZ0BRD03yO_Z"),
}


@dataclass(frozen=True)
class Row:
    """One route and method: an answer for each of RELATIONS.

    An answer is a status; `in` leads to the sign-in page, `to` leads on to another page. `at` names what
    stands in the address, `query` and `data` what is sent; `{word}` in them is a thing of the world.
    """

    name: str
    method: str
    answers: str
    data: Mapping[str, Any] | None = None
    at: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert len(self.answers.split()) == len(RELATIONS), self.name

    def answer(self, relation: str) -> str:
        return self.answers.split()[RELATIONS.index(relation)]

    def address(self, world: World) -> str:
        return self._address(self.places(world), filled(self.query, world))

    def places(self, world: World) -> dict[str, Any]:
        """What stands in the variable places of its address."""
        return {name: filled(self.at.get(name, _USUAL[name][0]), world) for name in self._variables}

    def parts(self, world: World) -> list[str]:
        """The same, as it is written there."""
        return [quote(str(part), safe="@") for part in self.places(world).values()]

    @property
    def absent_address(self) -> str:
        """The same of a thing that does not exist; empty where the address names nothing."""
        if "emailaddress" in self.query:
            return self._address({}, {"emailaddress": "ada@nowhere.example"})
        absent = {name: _USUAL[name][1] for name in self._variables}
        return self._address(absent, self.query) if absent else ""

    @property
    def any_address(self) -> str:
        """For those who look at the route alone."""
        return self.absent_address or self._address({}, {})

    def body(self, world: World) -> dict[str, Any]:
        return dict(filled(self.data, world)) if self.data is not None else {}

    def _address(self, variables: Mapping[str, Any], query: Mapping[str, str]) -> str:
        path = reverse(self.name, kwargs={name: str(value) for name, value in variables.items()})
        return f"{path}?{urlencode(query)}" if query else path

    @property
    def _variables(self) -> tuple[str, ...]:
        return ROUTES[self.name].variables if self.name in ROUTES else ()


def filled(value: Any, world: World) -> Any:
    """`value` with each `{word}` replaced; alone in a string it keeps its type."""
    if isinstance(value, Mapping):
        return {key: filled(inner, world) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, world) for inner in value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return world.names[value[1:-1]]
    return value.format(**world.names) if isinstance(value, str) else value


# The routes that there are --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    """A route of the URL resolver; `methods` is empty where the view does not say which it takes."""

    name: str
    variables: tuple[str, ...]
    methods: frozenset[str]


def _found(resolver: URLResolver, space: str, variables: tuple[str, ...]) -> Iterator[Route]:
    for each in resolver.url_patterns:
        inner = (*variables, *each.pattern.converters)
        if isinstance(each, URLResolver):
            yield from _found(each, f"{each.namespace}:" if each.namespace else space, inner)
        else:
            yield Route(f"{space}{each.name}", inner, _methods(each))


def _methods(pattern: URLPattern) -> frozenset[str]:
    view: Any = pattern.callback
    methods = getattr(view, "page_methods", None) or getattr(view, "actions", None) or ()
    return frozenset(method.upper() for method in methods) - {"HEAD"}


ROUTES: dict[str, Route] = {route.name: route for route in _found(get_resolver("panel.urls"), "", ())}
