"""Whether a host is ready for unikernels of one organization: each thing as a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.models import Host, HostPreparation, HostShare
from tenants.relay_states import conditions_of


@dataclass(frozen=True)
class Check:
    """One thing. `ok` is None for what nobody has seen yet; `advice` says what to do unless it is so."""

    sentence: str
    ok: bool | None
    advice: str = ""


def readiness(share: HostShare, preparation: HostPreparation | None) -> tuple[Check, ...]:
    """From what workers saw last, in the order in which one depends on the other. No question is asked."""
    host = share.host
    return (
        _trusted(host),
        _reached(share),
        Check(f"Albatross {host.release} or newer answers.", True)
        if host.release
        else Check("Which albatross answers is not known yet.", None, "Wait for the first look at the host."),
        _tender(host, preparation),
        *_bridges(share),
        _quota(share),
        _memory(share),
    )


def _trusted(host: Host) -> Check:
    if host.transport == Host.Transport.LOCAL:
        return Check("It is this machine.", True)
    if host.transport == Host.Transport.TLS:
        return Check(
            "Its endpoint shows a certificate of the CA that was given.", True if host.release else None
        )
    if host.host_key and not host.offered_host_key:
        return Check("Its SSH key was compared.", True)
    return Check(
        "Its SSH key waits to be compared.",
        False,
        "Compare the fingerprint on the host's page, and confirm it.",
    )


def _reached(share: HostShare) -> Check:
    reachable = conditions_of(share.sync_target).get("Reachable")
    if reachable is None:
        return Check("Nobody has reached it yet.", None, "Wait for the first look at the host.")
    if reachable.status:
        return Check("It can be reached.", True)
    return Check("It cannot be reached.", False, reachable.message or "Look at the host's page.")


def _tender(host: Host, preparation: HostPreparation | None) -> Check:
    title = "The tender of Solo5 answers."
    if host.tenders:
        return Check(f"It has the tenders {', '.join(host.tenders)}: images of these ABIs run there.", True)
    if preparation is not None and title in preparation.right:
        return Check(title, True)
    if preparation is None or preparation.looked_at is None or not preparation.right:
        advice = "Have a worker look, below, or run solo5-hvt --version there: its ABI must fit the images."
        return Check("Whether a tender of Solo5 is there was not looked at.", None, advice)
    return Check(
        "No tender of Solo5 answers.", False, "Install the package solo5 there: the plan below does."
    )


def _bridges(share: HostShare) -> list[Check]:
    networks, seen = list(share.networks.order_by("bridge")), share.host.seen.get("bridges")
    if not networks:
        return [
            Check(
                f"{share.organization} has no network there.",
                False,
                "Give it a bridge with a subnet on the host's page; the plan below makes the bridge.",
            )
        ]
    policy = seen if isinstance(seen, list) else None
    found = []
    for row in networks:
        if policy is None:
            found.append(
                Check(f"The bridge {row.bridge} was not seen yet.", None, "Wait for the first look.")
            )
        elif row.bridge in policy:
            found.append(Check(f"Albatross may use the bridge {row.bridge}.", True))
        else:
            advice = "Look at the host once more; if it stays so, make the bridge with the plan below."
            found.append(Check(f"Albatross has no leave for the bridge {row.bridge} yet.", False, advice))
    return found


def _quota(share: HostShare) -> Check:
    told = f"{share.most_unikernels} unikernels with {share.memory} MB together, on"
    told += f" CPU{'s' if len(share.cpuids) > 1 else ''} {', '.join(map(str, sorted(share.cpuids)))}"
    known = share.host.seen.get("cpuids")
    if isinstance(known, list) and not set(share.cpuids) <= set(known):
        return Check(
            f"The quota policy is {told}.", False, f"The host has the CPUs {known}: choose of these."
        )
    return Check(f"The quota policy is {told}.", True)


def _memory(share: HostShare) -> Check:
    used = sum(row.memory for row in share.unikernels.all() if row.running and row.deleted_at is None)
    free = share.memory - used
    if free >= 32:
        return Check(f"{free} MB of it are free. A form says before anything is made whether it fits.", True)
    return Check(
        f"Only {max(free, 0)} MB of it are free.", False, "Give it a larger quota, or stop something."
    )
