"""Arguments of a role, read as the unikernel would read them, and refused before anything starts.

A refusal names the argument in `field`. With exit code 64 a unikernel ends for good, and albatross has
destroyed the one before it by then: what is refused here costs nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tenants.formats.arguments import check_arguments, referenced
from tenants.formats.roles.kinds import PLACED, Kind, check_value, key_zone
from tenants.formats.roles.role import Era, Option, Role
from tenants.formats.text import FormatError, printable
from tenants.formats.zones.names import Name

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Checked:
    """Arguments that the role takes: each as one `--name=value`, and what is true but worth knowing.

    Holds references or values, as they were given; so nothing of it is shown in `repr`.
    """

    arguments: tuple[str, ...]
    values: Values
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Checked({', '.join(self.values)})"


def check_role_arguments(role: Role, era: Era, arguments: Iterable[str], *, filled: bool = False) -> Checked:
    """Return the arguments of an image of `era` in the order of its options.

    As stored (`filled` is false) every secret is a reference, `{secret:name}`, and addresses may be one,
    `{address:service}`. Filled in, there are none left. Raises FormatError for an argument that is unknown,
    of another generation, missing, twice there or of a wrong kind; secrets are never repeated.
    """
    if era not in role.options:
        known = ", ".join(each.value for each in role.options)
        raise FormatError("era", f"There is no {role.title} of {era.value}.", f"Use an image of {known}.")
    found: dict[str, list[str]] = {}
    for option, value in _read(role, era, " ".join(check_arguments(arguments)).split()):
        _check_one(option, value, filled=filled)
        given = found.setdefault(option.name, [])
        if given and not option.repeatable:
            raise FormatError(option.name, f"{option.name} is there twice.", "Remove one.")
        given.append(value)
    values = {option.name: tuple(found[option.name]) for option in role.options[era] if option.name in found}
    _check_required(role, era, values)
    _check_together(values)
    return Checked(tuple(_written(role, era, values)), values, tuple(_warnings(role, era, values)))


def _read(role: Role, era: Era, words: list[str]) -> Iterator[tuple[Option, str]]:
    """(option, value) of a command line; flags have no value."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("-") and not word.startswith("--") and len(word) > 2:  # -rVALUE
            name, equals, value = word[:2], "=", word[2:]
        option = role.option(era, name)
        if option is None:
            raise _unknown(role, era, word)
        if option.kind is Kind.FLAG:
            if equals:
                raise FormatError(option.name, f"{option.name} takes no value.", "Write it alone.")
            yield option, ""
            continue
        if not equals:
            value = next(rest, "")
            if value.startswith("-"):
                value = ""
        if not value:
            raise FormatError(option.name, f"{option.name} has no value.", f"It takes {option.kind.value}.")
        yield option, value


def _unknown(role: Role, era: Era, word: str) -> FormatError:
    if not word.startswith("-"):
        # It may be the second half of a secret with a blank in it.
        return FormatError(
            "arguments", f"The {role.title} takes only options.", "Write --name=value, without blanks."
        )
    name = printable(word.partition("=")[0], 60)
    others = role.eras_with(name)
    if others:
        there = ", ".join(each.value for each in others)
        closest = _same_meaning(role, era, others[0], name)
        fix = f"Use {closest} instead." if closest else "Leave it out, or use such an image."
        return FormatError(name, f"{name} is known to images of {there}, not of {era.value}.", fix)
    names = [each.name for each in role.options[era]]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    return FormatError(
        name,
        f"The {role.title} of {era.value} knows no {name}: it would end at once, and stay away.",
        f"Did you mean {near[0]}?" if near else "Remove it.",
    )


def _same_meaning(role: Role, era: Era, other: Era, name: str) -> str:
    """The option that says the same in `era`."""
    there = role.option(other, name)
    return next((each.name for each in role.options[era] if there and each.meaning == there.meaning), "")


def _check_one(option: Option, value: str, *, filled: bool) -> None:
    if option.kind is Kind.FLAG:
        return
    references = list(referenced([value]))
    if filled or not references:
        if option.secret and not filled:
            raise FormatError(
                option.name, f"{option.name} holds a secret in the open.", "Write {secret:name}, and add it."
            )
        check_value(option.kind, value, field=option.name)
        return
    kind, name = references[0]
    if len(references) > 1 or value != f"{{{kind}:{name}}}":
        raise FormatError(
            option.name, f"{option.name} mixes a reference with other text.", "Use only the reference."
        )
    if kind == "secret":
        if not option.secret:
            raise FormatError(option.name, f"{option.name} is no secret.", "Write its value.")
    elif kind not in PLACED.get(option.kind, "").split(" or "):
        raise FormatError(
            option.name, f"{option.name} takes {option.kind.value}, not {{{kind}:…}}.", "Write its value."
        )


def _check_required(role: Role, era: Era, values: Values) -> None:
    for option in role.options[era]:
        if option.required and option.name not in values:
            raise FormatError(
                option.name,
                f"The {role.title} needs {option.name}: {option.meaning}.",
                f"Add {option.name}= with {option.kind.value}.",
            )
    key = role.option(era, "--ssh-key")
    if key and not key.required:
        ways = [name for name in ("--ssh-key", "--ssh-password") if name in values]
        if len(ways) != 1:
            count = "neither" if not ways else "both"
            raise FormatError(
                "--ssh-key", f"There is {count} of --ssh-key and --ssh-password.", "Give one of them."
            )


def _check_together(values: Values) -> None:
    """Values that must agree; references are taken as they are."""
    zone = key_zone(values.get("--dns-key", ("",))[0])
    if zone is None:
        return
    for name in ("--submission-domain", "--hostname", "--domain"):
        for host in values.get(name, ()):
            if not Name.of(host).within(zone):
                raise FormatError(
                    name,
                    f"{host} lies outside {zone.short}, which the key may update.",
                    "Use another.",
                )


def _written(role: Role, era: Era, values: Values) -> Iterator[str]:
    for option in role.options[era]:
        for value in values.get(option.name, ()):
            yield f"{option.name}={value}" if value else option.name


def _warnings(role: Role, era: Era, values: Values) -> Iterator[str]:
    for option in role.options[era]:
        if option.ignored and option.name in values:
            yield f"{option.name}: {option.ignored}"
    for value in values.get("--remote", ()):
        if "#" not in value:
            branch = "master" if era is Era.P22 else "main"
            yield f"--remote names no branch: {branch} is read."
    if "--axfr" in values:
        yield "--axfr: anybody may copy the whole zone."
    if role.name == "letsencrypt" and "--production" not in values:
        yield "Without --production, certificates come from the staging CA, which no mail program trusts."
    resolver = next((o for o in role.options[era] if o.name in {"--nameserver", "--resolver"}), None)
    if resolver and resolver.name not in values and not resolver.ignored:
        yield f"Without {resolver.name} it asks {resolver.default}."
