"""Asking many people at once whether mail may come to them: one mail each, and not all in one minute."""

from __future__ import annotations

from collections.abc import Sequence

from tenants import limits
from tenants.actions.gathering import Question
from tenants.actions.mail import owe_many, unsaved_mail
from tenants.actions.targets import confirmation_mail
from tenants.actor import Actor
from tenants.models import Domain

MAILS_A_MINUTE = 100
LINKS_IN_A_MAIL = 50


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
