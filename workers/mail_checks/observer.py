"""Asking what the checks want to know until they know it, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from tenants.formats.mail_checks import Expected, Finding, Reading, judge
from tenants.formats.mail_checks.reading import (
    Answer,
    Connect,
    Connected,
    Lookup,
    Policy,
    PolicyFile,
    Question,
    Relay,
    Relayed,
    Said,
)
from tenants.formats.text import printable
from workers.mail_checks.mail import Mail
from workers.mail_checks.names import AskNames
from workers.outward import Fetcher, FetchError

__all__ = ["Asker", "Observer"]

_AT_ONCE = 8
_MOST_POLICY = 65_536


@dataclass(frozen=True)
class Asker:
    """Answers questions by asking the world; never raises."""

    names: Callable[[Lookup], Said]
    connect: Callable[[Connect], Connected]
    relay: Callable[[Relay], Relayed]
    policy: Callable[[PolicyFile], Policy]

    @classmethod
    def of(cls, names: AskNames, mail: Mail, fetcher: Fetcher | None) -> Asker:
        """Without a `fetcher`, no policy is fetched."""
        return cls(names, mail.connect, mail.relay, lambda question: _fetch(fetcher, question))

    def __call__(self, question: Question) -> Answer:
        match question:
            case Lookup():
                return self.names(question)
            case Connect():
                return self.connect(question)
            case Relay():
                return self.relay(question)
            case PolicyFile():
                return self.policy(question)


@dataclass(frozen=True)
class Observer:
    """Asks at most `most` questions within `within` seconds; the clock is injected."""

    ask: Callable[[Question], Answer]
    within: float = 60.0
    most: int = 400
    clock: Callable[[], float] = time.monotonic

    def look(self, expected: Expected, at: datetime, only: Collection[str] = ()) -> tuple[Finding, ...]:
        """What the checks find, all or those of `only`. `at` is now, aware."""
        end = self.clock() + self.within
        known: dict[Question, Answer] = {}
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mail-checks")
        try:
            while True:
                judged = judge(expected, Reading(at, known), only)
                questions = judged.questions[: self.most - len(known)]
                if not judged.questions:
                    return judged.findings
                if not questions or self.clock() >= end:
                    break
                asked = {pool.submit(self.ask, each): each for each in questions}
                done, late = wait(asked, timeout=max(0.0, end - self.clock()))
                known |= {asked[each]: each.result() for each in done}
                if late:
                    break
        finally:
            # Every question ends by its own time-out; nobody waits for those that are late.
            pool.shutdown(wait=False, cancel_futures=True)
        return judge(expected, Reading(at, known), only, final=True).findings


def _fetch(fetcher: Fetcher | None, question: PolicyFile) -> Policy:
    if fetcher is None:
        return Policy(problem="nothing is fetched from here")
    url = f"https://mta-sts.{question.domain}/.well-known/mta-sts.txt"
    try:
        with fetcher.get(url, most=_MOST_POLICY, timeout=10.0) as fetched:
            return Policy(fetched.read().decode("utf-8", "replace"))
    except FetchError as error:
        return Policy(problem=printable(str(error), 200).removesuffix("."))
