"""Installations that were read: looks as workers keep them, without a host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils import timezone

from tenants.actions import host_adoption, surveys
from tenants.actor import Actor
from tenants.formats.existing.arguments import see_arguments
from tenants.formats.existing.rules import read_rules
from tenants.formats.existing.seen import SeenHost, SeenUnikernel, SeenUsers, dump
from tenants.formats.secret_arguments import separate
from tenants.formats.unikernels import RunningThere
from tenants.models import Domain, HostShare, Image, Network, Survey, SyncTarget
from tests.existing.installations import ARTICLE, ARTICLE_RULES, DOMAIN, mark


def arguments_for(domain: str, label: str) -> list[bytes]:
    """As the articles have them; the masks that they forget are there."""
    found = []
    for text in ARTICLE[label][2]:
        masked = f"{text}/24" if text == "--ipv4=10.0.0.2" else text
        found.append(masked.replace(DOMAIN, domain).replace("--domain ", "--domain=").encode())
    return found


def survey(domain: Domain, share: HostShare) -> Survey:
    """Somebody asked for it, and nothing was read yet."""
    return Survey.objects.create(domain=domain, share=share, asked_at=timezone.now())


def saw(row: Survey, place: str, seen: object, target: SyncTarget | None = None) -> None:
    surveys.record_look(
        actor=Actor.rookery(),
        survey=row,
        place=place,
        target=target or row.share.sync_target,
        seen=dump(seen),
        at=timezone.now(),
    )


def saw_relay(row: Survey, label: str, digest: str) -> None:
    """Nothing runs but a relay."""
    seen = see_arguments(arguments_for(row.domain.name, "relay"), mark)
    saw(row, "host", SeenHost((SeenUnikernel(label, digest, 32, ("service",), seen, ours=True),)))


def saw_the_article(row: Survey, image: Image, labels: Iterable[str] = ARTICLE, *, ours: bool) -> None:
    """What stands at the end of the third article, all of one image."""
    found = [
        SeenUnikernel(
            label,
            image.sha256,
            32,
            ("service",),
            see_arguments(arguments_for(row.domain.name, label), mark),
            ours=ours,
        )
        for label in labels
    ]
    saw(row, "host", SeenHost(tuple(found)))
    saw(row, "rules", read_rules(ARTICLE_RULES))
    saw(row, "users", SeenUsers("main", "c0ffee", 2, 1))


def take_over_the_article(
    domain: Domain, share: HostShare, network: Network, image: Image, labels: Sequence[str] = tuple(ARTICLE)
) -> None:
    for label in labels:
        host_adoption.take_over_unikernel(
            actor=Actor.rookery(),
            share=share,
            running=RunningThere(
                label=label,
                digest=image.sha256,
                memory=32,
                cpuid=0,
                networks=(("service", network.bridge),),
                blocks=(),
                arguments=separate(arguments_for(domain.name, label)),
                restart_on_exit=None,
                startup=50,
                add_name=None,
            ),
            image=image,
        )
