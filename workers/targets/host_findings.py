"""What is in a part of a host and is not Rookery's: its rows, and taking over what people said."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.actions import host_adoption
from tenants.actions.images import Received, received
from tenants.actions.locking import lock
from tenants.actor import Actor
from tenants.desired_host import wanted_unikernel
from tenants.errors import ActionError, Conflict, Invalid
from tenants.formats.unikernels import DesiredHost
from tenants.models import Finding, Host, HostShare, Image
from tenants.secrets import Opener
from workers.albatross import Client, CommandFailed
from workers.albatross.releases import Dialect
from workers.hosting import foreign, likeness
from workers.hosting.foreign import Foreign
from workers.hosting.seen import SeenHost
from workers.targets.base import Findings, Found, Pass

Standing = tuple[DesiredHost, SeenHost, Dialect]
"""What should be there, what is there, and how the host speaks."""
MOST_FETCHED = 3
"""Images read from a host in one pass; the others follow in the next one."""


def find(standing: Standing, opener: Opener) -> Findings:
    """A finding for each unikernel and block volume that Rookery did not make."""
    return Findings(
        tuple(
            Found(
                unit=each.unit,
                kind=Finding.Kind.FOREIGN,
                sentence=each.sentence,
                outside=each.text,
                ours=None,
                outside_id=opener.mark(each.form),
                takeable=each.takeable,
            )
            for each in foreign.find(*standing)
        )
    )


def take_over(current: Pass, share: HostShare, standing: Standing, client: Client, opener: Opener) -> str:
    """Take over what people decided about, if it is still what they saw; one sentence, or "" for nothing.

    What cannot be taken over after all is left as it was, without the decision and with the reason told.
    """
    decided = dict(
        current.target.findings.filter(decision=Finding.Decision.ADOPT).values_list("unit", "outside_id")
    )
    if not decided:
        return ""
    found = foreign.find(*standing)
    asked = [each for each in found if each.takeable and decided.get(each.unit) == opener.mark(each.form)]
    volumes = {each.volume[0]: each for each in found if each.volume is not None}
    taker = _Taker(current, share, standing[2], client, opener)
    for each in asked:
        if each.running is None:
            taker.take(each, ())
    for each in asked:
        if each.running is not None:
            taker.take(each, [volumes[label] for _, label in each.running.blocks if label in volumes])
    return taker.said


class _Taker:
    def __init__(
        self, current: Pass, share: HostShare, dialect: Dialect, client: Client, opener: Opener
    ) -> None:
        self.current, self.share, self.dialect = current, share, dialect
        self.client, self.opener = client, opener
        self.done: list[str] = []
        self.failed: list[str] = []
        self.fetched = 0

    @property
    def said(self) -> str:
        done = f"Took over {', '.join(self.done[:10])}." if self.done else ""
        return " ".join([*([done] if done else []), *self.failed[:3]])

    def take(self, each: Foreign, with_volumes: Sequence[Foreign]) -> None:
        if each.unit in self.done:
            return
        try:
            if each.running is None:
                self._write([each])
            else:
                self._take_unikernel(each, [one for one in with_volumes if one.unit not in self.done])
        except ActionError as problem:
            self._give_up(each, _reason(problem))
        except CommandFailed as problem:
            self._give_up(each, f"The host did not give its image: {problem.words}")

    def _take_unikernel(self, each: Foreign, volumes: Sequence[Foreign]) -> None:
        assert each.running is not None and each.info is not None  # noqa: S101, PT018 - of every takeable one
        image = host_adoption.image_of(self.share, each.running.digest)
        if image is not None:
            self._write([*volumes, each], image=image)
            return
        if self.fetched >= MOST_FETCHED:
            return
        self.fetched += 1
        self.current.note(f"Reading the image of {each.info.name}")
        level = 0 if self.share.host.transport == Host.Transport.LOCAL else 6
        there = self.client.image(each.info.name, level)
        with received([bytes(there.data)]) as came:
            if came.sha256 != each.running.digest:
                raise Conflict("The image that the host gave is not the one that runs.")
            self._write([*volumes, each], came=came)

    def _write(
        self, what: Sequence[Foreign], *, image: Image | None = None, came: Received | None = None
    ) -> None:
        """All of it or nothing."""
        actor = Actor.rookery()
        with self.current.write():
            lock(self.share)
            for each in what:
                if each.volume is not None:
                    label, size = each.volume
                    host_adoption.take_over_volume(actor=actor, share=self.share, label=label, size=size)
                    continue
                if came is not None:
                    image = host_adoption.take_over_image(
                        actor=actor, share=self.share, came=came, name=each.unit
                    )
                assert image is not None  # noqa: S101 - kept, or read just now
                self._take_row(actor, each, image)
        self.done += [each.unit for each in what]

    def _take_row(self, actor: Actor, each: Foreign, image: Image) -> None:
        """Raises Conflict, which takes all back, unless desired state then says exactly what runs."""
        assert each.running is not None and each.info is not None  # noqa: S101, PT018
        row = host_adoption.take_over_unikernel(
            actor=actor, share=self.share, running=each.running, image=image
        )
        networks = {network.pk: network for network in self.share.networks.all()}
        wanted = wanted_unikernel(row, networks, self.opener)
        if likeness.form_of_wanted(wanted, self.dialect) != likeness.form_of_running(each.info, self.dialect):
            raise Conflict("Rookery could not hold it exactly as it runs.")

    def _give_up(self, each: Foreign, reason: str) -> None:
        self.failed.append(f"{each.unit} was not taken over: {reason}")
        self.current.note(self.failed[-1])
        with self.current.write():
            self.current.target.findings.filter(unit=each.unit).update(decision="")


def _reason(problem: ActionError) -> str:
    if isinstance(problem, Invalid):
        return " ".join(each.problem for each in problem.problems)
    return problem.sentence
