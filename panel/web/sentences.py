"""What pages say: state words and headlines, computed from what stands below them. Pure functions.

Nothing here reads a row or the clock, so every sentence can be tested as a line of a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenants.bounded import MOST_COUNTED


@dataclass(frozen=True)
class State:
    """A word and its shape; `badge` is ok, todo, fail, off, wait or live (see parts/badge.html)."""

    badge: str
    word: str

    @property
    def is_moving(self) -> bool:
        return self.badge == "live"


ON_ITS_WAY = State("live", "On its way")
STOPPED = State("fail", "Stopped: needs you")


@dataclass(frozen=True)
class DomainFacts:
    """All that the state of a domain depends on; `proved` is a time in words, such as “12 s ago”, and `wrong`
    counts the lines of its checks that say so."""

    name: str
    addresses: int = 0
    unconfirmed: int = 0
    requests: int = 0
    connected: bool = True
    stop_code: str = ""
    stop_sentence: str = ""
    unreachable: str = ""
    observed: bool = True
    taken_up: bool = True
    restart_by_hand: bool = False
    changed_outside: int = 0
    wrong: int = 0
    proved: str = ""


@dataclass(frozen=True)
class DomainStanding:
    """The state of a domain: a headline that stands alone, what it means, and the one next thing to do
    (`next_step`, may be empty)."""

    state: State
    headline: str
    sentence: str
    next_step: str = ""
    button: str = ""

    @property
    def needs_person(self) -> bool:
        return self.state.badge in {"todo", "fail"}

    @property
    def is_healthy(self) -> bool:
        return self.state.badge in {"ok", "live"}


def domain_standing(facts: DomainFacts) -> DomainStanding:
    """The first of these that holds: connection, a stop, changes by others, a change on its way, something
    wrong outside, works."""
    for judge in (_connection, _stop, _outside, _moving, _wrong):
        standing = judge(facts)
        if standing is not None:
            return standing
    word = f"Works, proved {facts.proved}" if facts.proved else "Works"
    if not facts.addresses:
        headline = f"{facts.name} is ready for its first address."
    else:
        headline = f"Mail for {facts.name} works."
    return DomainStanding(
        State("ok", word), headline, "The mail server holds exactly what was asked for.", *_offer(facts)
    )


def _connection(facts: DomainFacts) -> DomainStanding | None:
    if not facts.connected:
        return DomainStanding(
            State("todo", "Not connected"),
            f"{facts.name} has no mail server yet.",
            "Its mail server reads its users from a git repository. Connect that: Rookery writes them there.",
            "connect",
            "Connect its repository",
        )
    if facts.stop_code == "host-key-unknown":
        return DomainStanding(
            State("todo", "Compare the key"),
            f"{facts.name} waits until you have compared a key.",
            "Its git host showed its key for the first time. Nothing is sent before you have compared it.",
            "repository",
            "Compare the fingerprint",
        )
    return None


def _stop(facts: DomainFacts) -> DomainStanding | None:
    if facts.stop_code:
        return DomainStanding(
            STOPPED,
            f"Changes of {facts.name} are held up.",
            facts.stop_sentence or "They wait until a person has looked.",
            "run",
            "See what to do",
        )
    if facts.unreachable:
        return DomainStanding(
            State("wait", "Trying again"),
            f"The git host of {facts.name} cannot be reached.",
            f"{facts.unreachable} Mail that worked goes on; Rookery tries again by itself.",
            "repository",
            "See the connection",
        )
    return None


def _outside(facts: DomainFacts) -> DomainStanding | None:
    if not facts.changed_outside:
        return None
    entries = amount(facts.changed_outside, "entry differs", "entries differ")
    return DomainStanding(
        State("todo", "Changed outside"),
        f"Somebody else changed {facts.name} at its git host.",
        f"{entries} from what was asked for here; nothing was overwritten.",
        "repository",
        "Look at the difference",
    )


def _moving(facts: DomainFacts) -> DomainStanding | None:
    if not facts.observed:
        return DomainStanding(
            ON_ITS_WAY,
            f"A change of {facts.name} is on its way.",
            "It is being written to the mail server.",
            "runs",
            "Follow it",
        )
    if facts.taken_up:
        return None
    if facts.restart_by_hand:
        return DomainStanding(
            State("todo", "Waits for a restart"),
            f"The mail servers of {facts.name} have to be restarted.",
            "The last change is written, but they read it only when they start.",
            "repository",
            "See what to restart",
        )
    return DomainStanding(
        State("live", "Being taken up"),
        f"The mail servers of {facts.name} are starting again.",
        "The last change is written; they read it when they start.",
        "runs",
        "Follow it",
    )


def _wrong(facts: DomainFacts) -> DomainStanding | None:
    """Its mail server is as asked, and still its mail does not work: nobody may read here that it does."""
    if not facts.wrong:
        return None
    things = amount(facts.wrong, "thing is", "things are")
    return DomainStanding(
        State("todo", f"{things} wrong"),
        f"{things.capitalize()} wrong with mail for {facts.name}.",
        "The mail server holds what was asked for. The checks say what is wrong, and who can mend it.",
        "checks",
        "See what is wrong",
    )


_STOPS = {
    "cut-off": "This change would cut our own way",
    "no-helper": "The host needs a program for its firewall",
    "firewall-of-another": "Somebody else's chains are there",
    "firewall-refused": "The host refused the rules",
    "host-key-unknown": "Compare the key of the host",
    "host-key-changed": "The host shows another key",
    "key-refused": "The git host does not let us in",
    "push-refused": "The git host refused the push",
    "not-a-repository": "The repository cannot be read",
    "branch-missing": "The branch is missing",
    "history-rewritten": "The branch was rewritten",
    "foreign-installation": "Another Rookery writes to this branch",
    "database-restored": "This database is older than the branch",
    "held-after-restore": "Waits to be let go after a restore",
    "plan-needs-agreement": "So large a change needs a yes",
    "key-not-known": "Restart the primary once",
    "notify-refused": "The primary does not listen to us",
    "clocks-differ": "The primary's clock is wrong",
    "transfer-refused": "The primary does not let us read its zone",
    "zone-dropped": "The primary dropped a zone, and Rookery went back",
    "update-key-refused": "The name server does not take the key",
    "update-refused": "The name server refused a change",
    "not-taken-up": "The name server did not make a change",
    "ttl-ignored": "The name server keeps its TTL",
    "ended-early": "It ended right after its start",
    "image-damaged": "The image's file is damaged",
    "host-refused": "Albatross refused",
    "not-let-in": "The host does not let us in",
    "not-albatross": "What answers there is no albatross",
    "not-sendable": "This albatross cannot do that",
    "endpoint-not-trusted": "The endpoint shows a certificate of another CA",
    "authority-unusable": "The certificate that signs commands is of no use",
    "authority-expired": "The certificate that signs commands has expired",
    "authority-elsewhere": "The certificate signs for another path",
}


def stop_title(code: str) -> str:
    """What a target's stop is about, in a few words."""
    return _STOPS.get(code, "A person has to look at this")


def _offer(facts: DomainFacts) -> tuple[str, str]:
    """What somebody might do next with a healthy domain."""
    if facts.requests:
        return (
            "requests",
            "Decide the request"
            if facts.requests == 1
            else f"Decide {counted_in_words(facts.requests)} requests",
        )
    if not facts.addresses:
        return "addresses", "Make the first address"
    if facts.unconfirmed:
        return "unconfirmed", "See who has not confirmed"
    return "addresses", "Addresses"


# Headlines ----------------------------------------------------------------------------------------


def overview_headline(greeting: str, standings: list[DomainStanding]) -> str:
    """“Good morning. 2 of 3 domains are healthy; 1 needs you.”"""
    total = len(standings)
    if not total:
        return f"{greeting}. There is no domain yet."
    healthy = sum(each.is_healthy for each in standings)
    needing = sum(each.needs_person for each in standings)
    waiting = total - healthy - needing
    if healthy == total:
        return f"{greeting}. {'Your domain is' if total == 1 else f'All {total} domains are'} healthy."
    parts = [f"{healthy} of {total} domains {'is' if healthy == 1 else 'are'} healthy"] if healthy else []
    if needing:
        which = (
            "your domain" if total == 1 else f"{needing} of {total} domains" if not healthy else f"{needing}"
        )
        parts.append(f"{which} need{'s' if needing == 1 else ''} you")
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        parts.append("your domain waits for its server" if total == 1 else f"{waiting} {verb} for a server")
    line = "; ".join(parts)
    return f"{greeting}. {line[0].upper()}{line[1:]}."


def overview_sentence(standings: list[DomainStanding], requests: int, looked: str) -> str:
    moving = sum(each.state.is_moving for each in standings)
    parts = []
    if moving:
        parts.append(f"{amount(moving, 'change is', 'changes are')} on the way.")
    elif standings:
        parts.append("Nothing is being changed.")
    if requests:
        parts.append(f"{amount(requests, 'request waits', 'requests wait')} for a decision.")
    if looked:
        parts.append(f"Everything was looked at {looked}.")
    return " ".join(parts)


def addresses_headline(domain: str, total: int, moving: int, troubled: int) -> str:
    """`total` addresses in use, of which `moving` are on their way and `troubled` need a person."""
    if not total:
        return f"{domain} has no address yet."
    if not moving and not troubled:
        return (
            f"The one address of {domain} is as asked."
            if total == 1
            else f"All {counted_in_words(total)} addresses of {domain} are as asked."
        )
    parts = [f"{amount(total, 'address', 'addresses')} of {domain}"]
    if moving:
        parts.append(f"{amount(moving, 'change is', 'changes are')} on the way")
    if troubled:
        parts.append(f"{amount(troubled, 'needs', 'need')} you")
    return f"{parts[0]}; {', '.join(parts[1:])}."


def requests_headline(waiting: int, may_decide: bool) -> str:
    if not waiting:
        return "No request waits."
    if not may_decide:
        return f"{amount(waiting, 'request waits', 'requests wait')} for the owner's decision."
    return f"{amount(waiting, 'request waits', 'requests wait')} for your decision."


_REQUEST_WORDS = {
    "asked": State("wait", "Not confirmed yet"),
    "confirmed": State("todo", "Waits for a decision"),
    "approved": State("ok", "Approved"),
    "refused": State("off", "Refused"),
    "withdrawn": State("off", "Taken back"),
    "taken": State("off", "Not to be had"),
    "expired": State("off", "Not confirmed in time"),
    "lapsed": State("off", "Not decided in time"),
}


def request_state(status: str) -> State:
    return _REQUEST_WORDS.get(status, State("wait", status))


def request_headline(address: str, target: str, status: str, decided_by: str) -> str:
    """`decided_by` may be empty."""
    by = f" by {decided_by}" if decided_by else ""
    return {
        "asked": f"{address} was asked for; {target} has not confirmed it yet.",
        "confirmed": f"{target} asks for {address}.",
        "approved": f"{address} was approved{by}.",
        "refused": f"{address} was refused{by}.",
        "withdrawn": f"{target} took the request for {address} back.",
        "expired": f"{address} was asked for, but {target} did not confirm it in time.",
        "taken": f"{address} was asked for, but it cannot be had.",
        "lapsed": f"{target} asked for {address}, and nobody decided in time.",
    }.get(status, f"The request for {address}.")


_RUN_STATES = {
    "queued": State("wait", "Waits for a worker"),
    "running": State("live", "Running"),
    "waiting": State("wait", "Tries again by itself"),
    "stopped": State("fail", "Stopped: needs you"),
    "succeeded": State("ok", "Done"),
    "failed": State("fail", "Failed"),
}


def run_state(state: str, *, preview: bool = False) -> State:
    if preview and state == "succeeded":
        return State("ok", "Previewed")
    return _RUN_STATES.get(state, State("wait", state))


def run_sentence(
    state: str, *, preview: bool, changes: int, took: str, advice: str, attempts: int = 1
) -> str:
    """What became of a run, in a sentence; `changes` is how many its plan has."""
    wrote = amount(changes, "change", "changes")
    if preview:
        return {
            "queued": "The preview waits for a worker.",
            "running": "Looking at the outside; nothing is written.",
            "succeeded": (
                f"{wrote} would be written. Nothing was written."
                if changes
                else "Nothing would be written: the outside is as asked."
            ),
        }.get(state, f"The preview could not be made, and nothing was written. {advice}".strip())
    again = f" This is attempt {attempts}." if attempts > 1 else ""
    return {
        "queued": "A worker will take it up in a moment.",
        "running": f"It is happening now.{again}",
        "waiting": f"{advice}{again}" if advice else f"It will be tried again by itself.{again}",
        "stopped": "Nothing more was changed outside.",
        "succeeded": (
            f"{wrote} written and read back; it took {took}."
            if changes
            else f"Nothing had to be written; it took {took}."
        ),
        "failed": advice or "It failed.",
    }.get(state, "")


def counted_in_words(number: int) -> str:
    """A count that stops at its bound: “14”, “1,000+”."""
    return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"


def amount(number: int, one: str, many: str) -> str:
    """“1 address”, “14 addresses”; counts stop at a bound: “1,000+ addresses”."""
    return f"{counted_in_words(number)} {one if number == 1 else many}"


def exact_amount(number: int, one: str, many: str) -> str:
    """“1 address”, “10,000 addresses”: of what is about to be done, not of what is counted in passing."""
    return f"{number:,} {one if number == 1 else many}"


def domains_headline(standings: list[DomainStanding]) -> str:
    total = len(standings)
    if not total:
        return "There is no domain yet."
    needing = sum(each.needs_person for each in standings)
    if needing:
        return f"{needing} of {amount(total, 'domain', 'domains')} {'needs' if needing == 1 else 'need'} you."
    return f"{amount(total, 'domain', 'domains')}; nothing waits for you."


def repository_headline(short_name: str, domain: str, facts: DomainFacts) -> str:
    where = f"{short_name} of {domain}"
    lines = (
        (facts.stop_code == "host-key-unknown", f"{where} waits until you have compared the host's key."),
        (bool(facts.stop_code), f"{where} is stopped and needs you."),
        (bool(facts.unreachable), f"{where} cannot be reached at the moment."),
        (facts.changed_outside > 0, f"{where} was changed outside; nothing was overwritten."),
        (not facts.observed, f"The last change of {where} is on its way."),
        (not facts.taken_up, f"{where} is written; its mail servers must start again to read it."),
    )
    return next((line for holds, line in lines if holds), f"{where} holds exactly what was asked for.")
