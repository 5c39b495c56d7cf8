"""What a host key that is not the pinned one means: a person must compare it before anything is sent."""

from __future__ import annotations

from tenants.formats.sshkeys import fingerprint
from workers import ssh
from workers.outcome import NeedsPerson


def host_key_setback(host: str, pinned: str, error: ssh.HostKeyUnknown | ssh.HostKeyChanged) -> NeedsPerson:
    """`host` is the machine's name, `pinned` the key line that a person confirmed, if any."""
    shown = fingerprint(error.offered_key)
    if not isinstance(error, ssh.HostKeyChanged):
        return NeedsPerson(
            "host-key-unknown",
            f"{host} shows the key {shown}.",
            "Compare it with the fingerprint on the host's own screen, and confirm it if they are equal."
            " Nothing was sent yet.",
            {"offered": shown},
        )
    return NeedsPerson(
        "host-key-changed",
        f"{host} shows another key than the one we pinned. Nothing was written.",
        "If you set the server up again, compare the fingerprint with the one on its screen."
        " If nobody did, do not go on, and ask who runs it.",
        {"offered": shown, "pinned": fingerprint(pinned)},
    )
