"""What can go wrong between albatross and us. Each error has a sentence and a hint: what a person can do."""

from __future__ import annotations


class AlbatrossError(Exception):
    """Base of everything that this package raises. `sentence` says what happened, `hint` what to do next."""

    hint = ""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint or type(self).hint


class DecodeError(AlbatrossError):
    """Bytes from outside are no message of albatross that we can use."""

    hint = "Check that this is albatross's own socket and that its release is between 1.5 and 2.8."


class FrameTooBig(DecodeError):
    """More bytes were announced than this answer may have; none of them was kept."""


class ShortSequence(DecodeError):
    """A header's sequence has fewer than 8 bytes: what ends a real daemon, so that the sandbox must know."""


class NotSendable(AlbatrossError):
    """A command that this release would not understand, or that would harm a daemon: nothing was sent."""

    hint = "Nothing was sent. Correct this and try again."


class Unreachable(AlbatrossError):
    """No connection: nothing was sent, and trying again may help."""

    hint = "Check that the host is up and that albatross runs: systemctl is-active albatross_daemon."


class NotPermitted(Unreachable):
    """The socket is there, but this user may not open it."""

    hint = "Add this user to the group albatross on the host, then sign in anew."


class NotTrusted(Unreachable):
    """Whoever answered did not show a certificate of the host's own CA: nothing was sent."""

    hint = "Compare the host's CA with the one that Rookery was given; somebody may be in between."


class ClosedWithoutReply(AlbatrossError):
    """The daemon closed the connection instead of answering: it does not know the command, or it died."""

    hint = (
        "The host's albatross is probably older than expected. Let Rookery look at its release again; "
        "the daemon's log has a line about this."
    )


class UnknownOutcome(AlbatrossError):
    """The command was sent (or partly sent) and no answer came: look at the host before sending it again."""

    hint = "Read what runs on the host before you repeat the command: it may have worked, or still work."
