"""A stack's plan: every step in its order, with the commands that would do the same by hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network

from tenants.formats.arguments import Place, with_places
from tenants.formats.by_hand import create_line, look_lines, variable_of
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.restore import first_commands, next_commands
from tenants.formats.git_access import restriction
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import ProbeKind
from tenants.formats.stacks.needs import before_it_serves, firewall_needs
from tenants.formats.stacks.placing import Placed, place, placed_roles
from tenants.formats.stacks.records import key_names, mx_record, records
from tenants.formats.stacks.wish import Wish, check_wish
from tenants.formats.unikernels import WantedUnikernel
from tenants.formats.zones.keyfile import key_file_name
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet


class StepKind(Enum):
    """What a step is about, in the order of a plan."""

    ADDRESSES = "addresses"
    SECRETS = "secrets"
    GIT = "git"
    RECORDS = "records"
    FIREWALL = "firewall"
    UNIKERNEL = "unikernel"
    EXPOSE = "expose"
    MX = "mx"
    CHECK = "check"
    REPLACE = "replace"
    TRIAL = "trial"
    FLIP = "flip"
    DRAIN = "drain"
    REMOVE = "remove"


@dataclass(frozen=True)
class Step:
    """One step. `what` are sentences for people; `commands` do it by hand, secrets as references or files."""

    kind: StepKind
    title: str
    what: tuple[str, ...]
    commands: tuple[str, ...] = ()
    role: str = ""
    within: int = 0
    """Seconds until it must be proved; 0 where nothing is waited for."""


@dataclass(frozen=True)
class StackPlan:
    """All that will happen. `keys` are TSIG keys by role; `ssh` says which roles share which SSH key."""

    addresses: Mapping[str, str]
    roles: tuple[Placed, ...]
    records: tuple[RecordSet, ...]
    mx: RecordSet
    keys: Mapping[str, Name]
    ssh: Mapping[str, tuple[str, ...]]
    intent: Intent
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]


_FORWARDING = "sysctl -w net.ipv4.ip_forward=1"


def plan_stack(wish: Wish) -> StackPlan:
    """Return the plan of a stack. Raises FormatError with the field of the wish that cannot be."""
    check_wish(wish)
    addresses = place(wish)
    return plan_placed(wish, addresses, placed_roles(wish, addresses))


def plan_placed(wish: Wish, addresses: Mapping[str, str], roles: tuple[Placed, ...]) -> StackPlan:
    """The same for roles that have their addresses: also of a stack that is there."""
    intent = firewall_needs(wish, roles, addresses)
    sets, keys = records(wish), key_names(wish, roles)
    ssh = {
        use: found
        for use in ("users", "zones")
        if (found := tuple(each.role.name for each in roles if _repository(each) == use))
    }
    steps = [
        _addresses(wish, addresses),
        _secrets(roles, keys, ssh),
        *_git(wish, ssh),
        _records(wish, sets, keys),
        firewall_step(before_it_serves(intent), StepKind.FIREWALL, "Prepare the firewall"),
        *(unikernel_step(wish, each) for each in roles),
        firewall_step(intent, StepKind.EXPOSE, "Open the ports of mail"),
        *([] if _stays_closed(wish) else [_mx(wish)]),
        _check(wish),
    ]
    warnings = tuple(f"{each.role.title}: {text}" for each in roles for text in each.warnings)
    return StackPlan(
        addresses, roles, sets, mx_record(wish), keys, ssh, intent, tuple(steps), _exposure(wish) + warnings
    )


def _repository(each: Placed) -> str:
    if not any(secret.option == "--ssh-key" for secret in each.secrets):
        return ""
    return "zones" if each.role.name == "primary" else "users"


def _stays_closed(wish: Wish) -> bool:
    """Nothing can come in, so nothing is led here."""
    return "verifier" in wish.images and not wish.open_relay


def _exposure(wish: Wish) -> tuple[str, ...]:
    if not _stays_closed(wish):
        return ()
    return ("Port 25 stays closed: no mail comes in until somebody decides about the open relay.",)


def _addresses(wish: Wish, addresses: Mapping[str, str]) -> Step:
    what = [
        f"{ROLES[name].title}: {addresses[name]}{' (shared)' if name in wish.shared else ''}"
        for name in ROLES
    ]
    what.append(
        f"{wish.public} serves ports 25 and 465 of {wish.domain} alone, and its mail leaves from there."
    )
    return Step(StepKind.ADDRESSES, "Choose addresses", tuple(what))


def _secrets(roles: Iterable[Placed], keys: Mapping[str, Name], ssh: Mapping[str, tuple[str, ...]]) -> Step:
    what, commands = [], ["umask 077"]
    for use, users in ssh.items():
        what.append(f"An SSH key (ed25519) for the {use} repository: {', '.join(users)}.")
        commands.append(f"awa_gen_key --keytype ed25519 > {use}.ssh-key")
    for each in roles:
        for secret in each.secrets:
            if secret.option != "--ssh-key":
                name = f" {keys[each.role.name].short}" if secret.option == "--dns-key" else ""
                stays = " It stays through upgrades." if secret.stays else ""
                what.append(f"{each.role.title}: {secret.what}{name}.{stays}")
                file = f"{each.role.name}.{secret.name}"
                commands.append(f"head -c 32 /dev/urandom | base64 -w0 > {file}")
    return Step(StepKind.SECRETS, "Make keys and seeds", tuple(what), tuple(commands))


def _git(wish: Wish, ssh: Mapping[str, tuple[str, ...]]) -> list[Step]:
    paths = {
        "users": (wish.git.users, wish.git.users_branch),
        "zones": (wish.git.zones, wish.git.zones_branch),
    }
    what, commands = [], []
    for use, users in ssh.items():
        path, branch = paths[use]
        write = use == "zones"
        what.append(
            f"{path}: {', '.join(users)} may {'read and write' if write else 'read'} it, and nothing else."
        )
        public = wish.ssh_keys.get(use, f"$(tail -n1 {use}.ssh-key)")
        commands.append(f"git init --bare --initial-branch={shlex.quote(branch)} {shlex.quote(path)}")
        # A key that is not made yet is put in by the shell.
        key = shlex.quote(f" {public}") if use in wish.ssh_keys else f'" {public}"'
        quoted = f"{shlex.quote(restriction(path, writes=write))}{key}"
        commands.append(f"printf '%s\\n' {quoted} >> .ssh/authorized_keys")
    if not what:
        return []
    return [Step(StepKind.GIT, "Give least rights on the git host", tuple(what), tuple(commands))]


def _lines(wish: Wish, sets: Iterable[RecordSet]) -> list[str]:
    """Lines for the zone's file, each with its TTL; names as they stand behind the file's `$ORIGIN`."""
    return b"".join(item.lines(wish.zone, 0) for item in sets).decode("latin-1").splitlines()


def _append(lines: Iterable[str], file: str) -> str:
    return f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} >> {shlex.quote(file)}"


def _publish(message: str) -> tuple[str, str]:
    return f"git commit --all --message={shlex.quote(message)}", "git push"


def _records(wish: Wish, sets: Iterable[RecordSet], keys: Mapping[str, Name]) -> Step:
    lines = _lines(wish, sets)
    what = [" ".join(line.split("\t")) for line in lines]
    what += [f"TSIG key {name.short}, for the {ROLES[role].title}" for role, name in keys.items()]
    key_file = shlex.quote(key_file_name(wish.zone))
    commands = [_append(lines, wish.domain)]
    commands += [
        f'echo "{name} DNSKEY 0 3 163 $(cat {role}.dns-key)" >> {key_file}' for role, name in keys.items()
    ]
    commands += ["# raise the serial of the SOA", *_publish(f"Records of the mail stack of {wish.domain}")]
    return Step(StepKind.RECORDS, "Publish records and keys", tuple(what), tuple(commands))


def firewall_step(intent: Intent, kind: StepKind, title: str) -> Step:
    """What the rules let through, and the commands that write them."""
    rules = derive(intent)
    first = kind is StepKind.FIREWALL
    commands = (_FORWARDING, *first_commands(rules)) if first else next_commands(rules)
    what = tuple(
        f"{each.public} {each.protocol} port {each.port} goes to {each.what} at {each.target}."
        for each in intent.published
    )
    what += tuple(f"Mail of {each.source} leaves from {each.public}." for each in intent.senders)
    git = ", ".join(each.what for each in intent.git)
    what += (f"Git on this host is reached by: {git}.",) if git else ()
    return Step(kind, title, what, commands, within=30)


def unikernel_step(wish: Wish, each: Placed, *, force: bool = False) -> Step:
    """Start a role and ask it; `force`: in the place of the one that has its name."""
    choice = wish.images[each.role.name]
    wanted = WantedUnikernel(
        label=each.label,
        digest=choice.digest,
        image=choice.image,
        memory=each.role.memory,
        networks=((each.role.device, wish.bridge.name),),
        shown=with_places(each.arguments, {each.role.device: _place(wish, each)}),
        restart_on_exit=each.role.restart_on_exit,
    )
    probe = each.role.probe
    what = [
        f"{each.role.title} at {each.address}, {each.role.memory} MB: it {each.role.does}.",
        f"Rookery {probe.kind.value}, for at most {probe.within} seconds. {probe.reason}",
    ]
    what += [f"It writes {record.type} {record.owner} {record.when}." for record in each.role.writes]
    return Step(
        StepKind.REPLACE if force else StepKind.UNIKERNEL,
        f"{'Replace' if force else 'Start'} the {each.role.title}",
        tuple(what),
        (
            *_told(wish, each),
            create_line(wanted, wish.full_name(each.label), wish.albatross, force=force),
            *_probe(wish, each),
        ),
        role=each.role.name,
        within=probe.within,
    )


def _place(wish: Wish, each: Placed) -> Place:
    return Place(each.address, IPv4Network(wish.network["subnet"]).prefixlen, wish.network["gateway"])


def _told(wish: Wish, each: Placed) -> Iterator[str]:
    """Its secrets as variables, from the files that were made when the stack was."""
    keys = key_names(wish, [each])
    for secret in each.secrets:
        value = f"$(cat {each.role.name}.{secret.name})"
        if secret.option == "--ssh-key":  # the last word of its first line, as every awa_gen_key writes it
            value = f"ed25519:$(head -n1 {_repository(each)}.ssh-key | sed 's/.*[ :]//')"
        elif secret.option == "--dns-key":
            value = f"{keys[each.role.name].short}:SHA256:{value}"
        yield f'{variable_of(secret.name)}="{value}"'


def _probe(wish: Wish, each: Placed) -> tuple[str, ...]:
    at = each.address
    match each.role.probe.kind:
        case ProbeKind.RECURSION:
            return (f"dig +short @{at} . NS",)
        case ProbeKind.AUTHORITY:
            return (f"dig +norecurse @{at} {wish.domain} SOA",)
        case ProbeKind.SMTP:
            return (f"nc -w 5 {at} 25 </dev/null",)
        case ProbeKind.SMTP_STARTTLS:
            verify = f"-verify_return_error -verify_hostname {wish.domain}"
            return (f"openssl s_client -starttls smtp -connect {at}:25 {verify} </dev/null",)
        case ProbeKind.SMTPS:
            verify = f"-verify_return_error -verify_hostname {wish.submission}"
            return (f"openssl s_client -connect {at}:465 {verify} </dev/null",)
        case ProbeKind.RUNNING:
            return (look_lines(wish.full_name(each.label), wish.albatross)[0],)


def _mx(wish: Wish) -> Step:
    lines = _lines(wish, [mx_record(wish)])
    return Step(
        StepKind.MX,
        "Let mail come here",
        (f"Mail for {wish.domain} goes to {wish.domain} itself, whose certificate the receiver has.",),
        (_append(lines, wish.domain), "# raise the serial of the SOA", *_publish(f"MX of {wish.domain}")),
    )


def _check(wish: Wish) -> Step:
    what = [
        f"Ask your hoster for the PTR record: {wish.public} is {wish.domain}.",
        "Address postmaster, abuse and hostmaster: people expect somebody to read them.",
    ]
    if "primary" in wish.images:
        what.insert(
            0, f"At your registrar: name server ns1.{wish.domain}, with the glue record {wish.public}."
        )
    return Step(
        StepKind.CHECK,
        "Look from outside",
        tuple(what),
        (
            f"dig +short {wish.domain} NS",
            f"dig +short {wish.domain} MX",
            f"dig +short {wish.selector}._domainkey.{wish.domain} TXT",
            f"dig +short -x {wish.public}",
            f"openssl s_client -connect {wish.submission}:465 -verify_return_error </dev/null",
        ),
    )
