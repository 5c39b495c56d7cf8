"""Asking people whether mail may come to them: of a set, one mail for each, and not all in one minute."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from tenants import limits
from tenants.actions import gathering
from tenants.actions.gathering import Question
from tenants.actions.mail import owe_mail, owe_many, unsaved_mail
from tenants.actor import Actor
from tenants.models import Domain, Mailbox

MAILS_A_MINUTE = 100
LINKS_IN_A_MAIL = 50


def owe_confirmation(actor: Actor, mailbox: Mailbox, address: str, token: str) -> None:
    """Ask the holder of `address`; of a set of addresses, each person is asked once at its end."""
    gathered = gathering.current()
    if gathered is not None:
        gathered.questions.append(gathering.Question(address, str(mailbox), token))
        return
    owe_mail(**confirmation_mail(actor, address, [(str(mailbox), token)]))


def confirmation_mail(actor: Actor, recipient: str, wanted: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The words of a mail that asks the holder of `recipient`; `wanted` are addresses with their tokens."""
    if len(wanted) == 1:
        [(mailbox, token)] = wanted
        return {
            "recipient": recipient,
            "subject": _("May mail for %(mailbox)s come to you?") % {"mailbox": mailbox},
            "body": (
                _(
                    "Hello,\n\n%(actor)s asked that mail for %(mailbox)s be sent on to this "
                    "address. Nothing comes before you agree. To agree, open this page and press "
                    "the button:\n\n%(panel)s/confirm/%(token)s\n\nIf you do not know what this is "
                    "about, do nothing."
                )
                % {"actor": actor, "mailbox": mailbox, "panel": settings.BASE_URL, "token": token}
            ),
        }
    links = "\n".join(
        _("%(mailbox)s\n%(panel)s/confirm/%(token)s\n")
        % {"mailbox": mailbox, "panel": settings.BASE_URL, "token": token}
        for mailbox, token in wanted
    )
    return {
        "recipient": recipient,
        "subject": _("May mail for %(wanted)s and %(value)s more come to you?")
        % {"wanted": wanted[0][0], "value": len(wanted) - 1},
        "body": (
            _(
                "Hello,\n\n%(actor)s asked that mail for %(len)s addresses be sent on to this "
                "one. Nothing comes before you agree, and you may agree to some and not to "
                "others. To agree, open the page of each and press the "
                "button:\n\n%(links)s\nIf you do not know what this is about, do nothing."
            )
            % {"actor": actor, "len": len(wanted), "links": links}
        ),
    }


def ask_all(actor: Actor, domain: Domain, questions: Sequence[Question]) -> None:
    """Owe each person a mail with the links of all the addresses whose mail is to come to them.

    Raises TooMany when the organization asked too many people within a day.
    """
    letters = _letters(questions)
    if len(letters) > 1:
        limits.spend_many(limits.QUESTIONS_PER_ORGANIZATION, str(domain.organization_id), len(letters))
    mails = [
        unsaved_mail(**confirmation_mail(actor, recipient, [(q.mailbox, q.token) for q in asked]))
        for recipient, asked in letters
    ]
    owe_many(mails, a_minute=MAILS_A_MINUTE)


def _letters(questions: Sequence[Question]) -> list[tuple[str, list[Question]]]:
    by_person: dict[str, list[Question]] = {}
    for question in questions:
        by_person.setdefault(question.recipient, []).append(question)
    return [
        (recipient, asked[start : start + LINKS_IN_A_MAIL])
        for recipient, asked in by_person.items()
        for start in range(0, len(asked), LINKS_IN_A_MAIL)
    ]


def letters_for(recipients: Sequence[str]) -> int:
    """How many mails it takes to ask these (with repetitions)."""
    return len(_letters([Question(recipient, "", "") for recipient in recipients]))


def minutes_for(letters: int) -> int:
    """After how many minutes the last of so many mails leaves."""
    return max(0, letters - 1) // MAILS_A_MINUTE
