"""All measures in order. Django is set up when this is imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from django.core.management import call_command

from tests.bench import changes, codec, held, listing, load, noop, rules
from tests.bench.hosts import require_ssh, start_host
from tests.bench.measure import Measure, say, tell
from tests.bench.sizes import Sizes
from tests.bench.worlds import new_organization
from workers import assembly


def run(sizes: Sizes, folder: Path, kinds: Sequence[str]) -> bool:
    """Migrate the database of this run, measure and print; True when every goal is met."""
    require_ssh()
    call_command("migrate", verbosity=0, interactive=False)
    met = True
    for measure in measures(sizes, folder, kinds):
        tell(measure.line())
        met &= measure.ok
    return met


def hold(sizes: Sizes, folder: Path, kinds: Sequence[str]) -> bool:
    """Fill the database of this run, and tell how it goes on."""
    require_ssh()
    call_command("migrate", verbosity=0, interactive=False)
    with ExitStack() as stack:
        for line in held.held(_begin(stack, sizes, folder, kinds)):
            tell(line)
    return True


def _begin(stack: ExitStack, sizes: Sizes, folder: Path, kinds: Sequence[str]) -> changes.Bench:
    """A git host, the first of `kinds` that runs here, and a controller."""
    host, problem = start_host(kinds, folder / "repositories")
    stack.push(host)
    if problem:
        say(f"({problem})")
    say(f"git host: {host.kind}, port {host.port}")
    controller = assembly.controller()
    stack.callback(controller.kinds["relay_repository"].close)
    return changes.Bench(sizes, host, folder, controller, new_organization())


def measures(sizes: Sizes, folder: Path, kinds: Sequence[str]) -> Iterator[Measure]:
    """Each measure as soon as it is taken. `kinds` of git hosts are tried in turn."""
    with ExitStack() as stack:
        bench = _begin(stack, sizes, folder, kinds)
        host = bench.host
        found, world = changes.measure_import(bench)
        yield from found
        yield from changes.measure_one_change(bench, world)
        yield from changes.measure_edits(bench, world)
        git_only, _ = start_host([host.kind], host.folder, git_only=True)
        stack.push(git_only)
        yield from noop.measure_noop(bench, git_only)
        yield from listing.measure_listing(bench)
        yield from load.measure_load(bench)
    yield from codec.measure_codec()
    problem = rules.missing() if "openssh" in kinds else "no openssh"
    if problem:
        say(f"(no rules of a firewall: {problem})")
    else:
        yield from rules.measure_rules(folder / "firewall", sizes.restores)
