"""What people choose for a mail stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from tenants.formats.addresses import check_domain, check_host_name
from tenants.formats.by_hand import Version
from tenants.formats.firewall.intent import Bridge
from tenants.formats.networks import NetworkPlan
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.conventional import Conventional
from tenants.formats.roles.kinds import Kind, check_value
from tenants.formats.roles.role import Era
from tenants.formats.solo5_image import Solo5Image, device_problems
from tenants.formats.text import FormatError
from tenants.formats.unikernels import check_label
from tenants.formats.zones.names import Name

SHAREABLE = frozenset(name for name, role in ROLES.items() if role.shareable)


@dataclass(frozen=True)
class ImageChoice:
    """An image for a role: its SHA-256, its generation, and what its notes say."""

    digest: str
    era: Era
    image: Solo5Image


@dataclass(frozen=True)
class GitPlace:
    """The git host as unikernels reach it (port 22), and the two repositories."""

    host: str
    account: str = "git"
    users: str = "relay.git"
    users_branch: str = "main"
    zones: str = "zone.git"
    zones_branch: str = "main"


@dataclass(frozen=True)
class Wish:
    """A stack. `images` are those of the roles that run here; `shared` are roles that something else fills.

    `public` is the host's address for ports 25 and 465, and the one that mail leaves from. `path` is the
    organization's on albatross. `dkim_key` is the predicted public key (base64), `ssh_keys` the public lines
    of `users` and `zones`; both are empty until a worker made the secrets.
    """

    domain: str
    public: IPv4Address
    bridge: Bridge
    network: NetworkPlan
    images: Mapping[str, ImageChoice]
    git: GitPlace
    shared: Mapping[str, Conventional] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    other_bridges: tuple[Bridge, ...] = ()
    submission_host: str = ""
    selector: str = "s1"
    production: bool = False
    open_relay: bool = False
    """Somebody decided to expose port 25 although the receiver accepts any recipient."""
    label: str = ""
    release: int = 1
    path: str = ""
    albatross: Version = (2, 7)
    dkim_key: str = ""
    ssh_keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def submission(self) -> str:
        """The submission server's host name."""
        return self.submission_host or f"smtp.{self.domain}"

    @property
    def zone(self) -> Name:
        return Name.of(self.domain)

    def full_name(self, label: str) -> str:
        """As albatross writes it."""
        return f"{self.path}:{label}" if self.path else label

    def unikernel(self, role: str) -> str:
        """A unikernel's label: of the domain, its role and the release."""
        base = self.label or self.domain.replace(".", "-")
        return check_label(
            f"{base[: 60 - len(role) - len(str(self.release))].strip('-')}-{role}-{self.release}"
        )


def check_wish(wish: Wish) -> None:
    """Raise FormatError for a stack that could not work, before anything is planned."""
    check_domain(wish.domain)
    check_host_name(wish.submission, field="submission_host")
    check_value(Kind.SELECTOR, wish.selector, field="selector")
    if not Name.of(wish.submission).below(wish.zone):
        raise FormatError(
            "submission_host",
            f"{wish.submission} does not lie below {wish.domain}: its certificate is asked for in that zone.",
            f"Use a name such as smtp.{wish.domain}.",
        )
    if not 1 <= wish.release <= 9999:
        raise FormatError("release", f"{wish.release} is no number of a release.", "Use 1 to 9999.")
    for name in ROLES:
        if (name in wish.images) == (name in wish.shared):
            twice = name in wish.images
            raise FormatError(
                name,
                f"The {ROLES[name].title} {'comes from two sides' if twice else 'is missing'}.",
                "Choose either an image or a service that fills the role.",
            )
    unknown = sorted({*wish.images, *wish.shared} - set(ROLES))
    if unknown:
        raise FormatError("images", f"{unknown[0]} is none of the eight roles.", "Add it on its own.")
    for name, choice in wish.images.items():
        check_image(name, choice)


def check_image(name: str, choice: ImageChoice) -> None:
    """Raise FormatError, of the role, for an image that cannot fill it."""
    role = ROLES[name]
    if choice.era is Era.P22:
        raise FormatError(
            name,
            f"A {role.title} of 2022 needs certificates between the hops, which nobody makes any more.",
            "Use an image of p23: only those get mail for their own domain.",
        )
    problems = device_problems(choice.image, networks=(role.device,), blocks=())
    if problems or not choice.image.runs_on_albatross:
        problem = problems[0] if problems else f"The image is for {choice.image.target}."
        raise FormatError(name, f"This cannot be a {role.title}: {problem}", "Choose another image.")
