"""What an action answers when it will not do something; the web, the API and commands show it as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tenants.formats.text import FormatError


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: which field, what is wrong with its value, what to do instead."""

    field: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.problem} {self.fix}".strip()

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class ActionError(Exception):
    """Base of all refusals; nothing was changed."""

    code = "refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Invalid(ActionError):
    """The input cannot be taken; each problem names its field."""

    code = "invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, field: str, problem: str, fix: str = "") -> Invalid:
        return cls([Problem(field, problem, fix)])


class Absent(ActionError):
    """There is no such thing, or not for this actor: the two are never told apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing here for you under this name.")


class Forbidden(ActionError):
    """The actor may see the thing, but not do this to it."""

    code = "forbidden"


class FactorNeeded(Forbidden):
    """Whoever acts must have a second factor first."""

    code = "second_factor_needed"


class Conflict(ActionError):
    """Somebody was faster, or the thing is not in the state that this needs; `problems` name fields."""

    code = "conflict"

    def __init__(self, sentence: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)


class TooMany(ActionError):
    """A limit was reached; `retry_after` is in seconds."""

    code = "too_many"

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Checks:
    """Collects the problems of several fields, so that a form shows all of them at once.

    >>> checks = Checks()
    >>> with checks: ...  # a FormatError inside becomes a problem
    >>> checks.finish()   # raises Invalid if there was any
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, FormatError):
            self.problems.append(Problem(error.field, error.problem, error.fix))
            return True
        if isinstance(error, Invalid):
            self.problems.extend(error.problems)
            return True
        return False

    def finish(self) -> None:
        if self.problems:
            raise Invalid(self.problems)
