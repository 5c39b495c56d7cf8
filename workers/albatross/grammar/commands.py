"""Commands: which daemon's (the outer tag), which one (the inner tag), and what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from workers.albatross import commands as c
from workers.albatross import der_write as der
from workers.albatross.der_read import Element
from workers.albatross.errors import DecodeError, NotSendable
from workers.albatross.grammar.names import read_text
from workers.albatross.grammar.policies import read_policy, write_policy
from workers.albatross.grammar.unikernels import read_config, read_settings, write_config, write_settings
from workers.albatross.times import read_time, write_time, write_utc_time
from workers.albatross.values import Settings

CONSOLE, STATISTICS, LOG, UNIKERNEL, POLICY, BLOCK = range(6)
_INFO: dict[int, c.InfoForm] = {0: 1, 7: 2, 13: 3, 15: 4, 18: 5, 19: 6}
_CREATE: dict[int, c.ConfigForm] = {1: 1, 4: 2, 9: 3, 16: 4, 20: 5}
"""A force-create has the tag after that of its create."""
_GET: dict[int, c.GetForm] = {6: 1, 8: 2, 11: 3}
_ARGUMENTS: dict[int, c.ArgumentsForm] = {1: 0, 2: 1, 3: 2}
_INFO_TAG = {form: tag for tag, form in _INFO.items()}
_CREATE_TAG = {form: tag for tag, form in _CREATE.items()}
_GET_TAG = {form: tag for tag, form in _GET.items()}


def write_command(command: c.Command) -> der.Parts:
    """A command in its two tags. Raises NotSendable for values that its form cannot say."""
    service, number, body = _tagged(command)
    if number is None:  # only the old log has an untagged form
        return der.context(service, body)
    return der.context(service, der.context(number, body))


def _tagged(command: c.Command) -> tuple[int, int | None, der.Parts]:  # noqa: PLR0911, PLR0912 - a table
    match command:
        case c.AddConsole():
            return CONSOLE, 0, der.NULL if command.keep is None else der.integer(command.keep)
        case c.SubscribeConsole():
            since = write_utc_time if command.old else write_time
            return CONSOLE, 1 if command.old else 2, _since_or_count(command.since, command.count, since)
        case c.ListInactiveConsoles():
            return CONSOLE, 3, der.NULL
        case c.AddStatistics():
            pairs = (der.sequence(der.text(device), der.text(tap)) for device, tap in command.networks)
            name, pid = der.text(command.vmm_device), der.integer(command.pid)
            return STATISTICS, 0, der.sequence(name, pid, der.sequence_of(pairs))
        case c.RemoveStatistics():
            return STATISTICS, 1, der.NULL
        case c.SubscribeStatistics():
            return STATISTICS, 2, der.NULL
        case c.ConnectStatistics():
            return STATISTICS, 3, der.NULL
        case c.SubscribeLog(since=None, count=None):
            return LOG, None, der.NULL
        case c.SubscribeLog():
            return LOG, None, _since_or_count(command.since, command.count, write_utc_time)
        case c.ReadInfo():
            return UNIKERNEL, _INFO_TAG[command.form], der.NULL
        case c.Create():
            body = write_config(command.config, command.form)
            return UNIKERNEL, _CREATE_TAG[command.form] + command.force, body
        case c.Destroy():
            return UNIKERNEL, 3, der.NULL
        case c.GetImage():
            body = der.integer(command.level) if command.form == 3 else der.NULL
            return UNIKERNEL, _GET_TAG[command.form], body
        case c.Restart(old=True):
            return UNIKERNEL, 12, der.NULL
        case c.Restart():
            return UNIKERNEL, 14, _restart(command.settings, command.form)
        case c.ReadPolicies():
            return POLICY, 0, der.NULL
        case c.AddPolicy():
            return POLICY, 1, write_policy(command.policy)
        case c.RemovePolicy():
            return POLICY, 2, der.NULL
        case _:
            return (BLOCK, *_tagged_block(command))


def _tagged_block(command: c.BlockCommand) -> tuple[int, der.Parts]:  # noqa: PLR0911 - a table
    match command:
        case c.ReadBlocks():
            return 0, der.NULL
        case c.AddBlock():
            return 1, der.integer(command.size)
        case c.RemoveBlock():
            return 2, der.NULL
        case c.AddBlockWithData():
            data = () if command.data is None else der.octets(command.data)
            return 3, der.sequence(der.integer(command.size), der.boolean(command.compressed), data)
        case c.SetBlockData():
            return 4, der.sequence(der.boolean(command.compressed), der.octets(command.data))
        case c.DumpBlock():
            return 5 if command.old else 6, der.integer(command.level)
        case c.SetBlock():
            return 7, der.boolean(command.compressed)


def _restart(settings: Settings | None, form: c.ArgumentsForm) -> der.Parts:
    if settings is None:
        return der.context(0, der.NULL)
    return der.context(form + 1, write_settings(settings, form))


def _since_or_count(
    since: datetime | None, count: int | None, write: Callable[[datetime], der.Parts]
) -> der.Parts:
    if since is not None and count is None:
        return der.context(0, write(since))
    if count is not None and since is None:
        return der.context(1, der.integer(count))
    raise NotSendable("since, count: exactly one of them is needed.", "Give a time or a number of lines.")


def read_command(element: Element) -> c.Command:
    """A command in its two tags. Raises DecodeError, for unknown ones too."""
    inner = element.inner()
    readers: dict[int, Callable[[Element], c.Command]] = {
        CONSOLE: _read_console,
        STATISTICS: _read_statistics,
        LOG: _read_log,
        UNIKERNEL: _read_unikernel,
        POLICY: _read_policy,
        BLOCK: _read_block,
    }
    if element.number not in readers:
        raise _unknown(element)
    return readers[element.number](inner)


def _read_console(element: Element) -> c.Command:
    inner = element.inner()
    match element.number:
        case 0 if inner.octet == der.NULL_TAG:
            return c.AddConsole()
        case 0:
            return c.AddConsole(inner.integer())
        case 1 | 2:
            return c.SubscribeConsole(*_read_since_or_count(inner), old=element.number == 1)
        case 3:
            return _empty(inner, c.ListInactiveConsoles())
        case _:
            raise _unknown(element)


def _read_statistics(element: Element) -> c.Command:
    inner = element.inner()
    match element.number:
        case 0:
            fields = inner.fields()
            device, pid = read_text(fields.take()), fields.take().integer()
            networks = fields.take().many(_read_pair)
            fields.finish()
            return c.AddStatistics(device, pid, networks)
        case 1:
            return _empty(inner, c.RemoveStatistics())
        case 2:
            return _empty(inner, c.SubscribeStatistics())
        case 3:
            return _empty(inner, c.ConnectStatistics())
        case _:
            raise _unknown(element)


def _read_pair(element: Element) -> tuple[str, str]:
    fields = element.fields()
    pair = read_text(fields.take()), read_text(fields.take())
    fields.finish()
    return pair


def _read_log(element: Element) -> c.Command:
    if element.octet == der.NULL_TAG:
        return _empty(element, c.SubscribeLog())
    return c.SubscribeLog(*_read_since_or_count(element))


def _read_since_or_count(element: Element) -> tuple[datetime | None, int | None]:
    inner = element.inner()
    if element.number == 0:
        return read_time(inner), None
    if element.number == 1:
        return None, inner.integer()
    raise _unknown(element)


def _read_unikernel(element: Element) -> c.Command:  # noqa: PLR0911 - a table
    number, inner = element.number, element.inner()
    if number in _INFO:
        return _empty(inner, c.ReadInfo(_INFO[number]))
    if number in _CREATE:
        return c.Create(_CREATE[number], read_config(inner, _CREATE[number]))
    if number - 1 in _CREATE:
        return c.Create(_CREATE[number - 1], read_config(inner, _CREATE[number - 1]), force=True)
    if number in _GET:
        return c.GetImage(3, inner.integer()) if number == 11 else _empty(inner, c.GetImage(_GET[number]))
    match number:
        case 3:
            return _empty(inner, c.Destroy())
        case 12:
            return _empty(inner, c.Restart(old=True))
        case 14 if inner.number == 0:
            return _empty(inner.inner(), c.Restart())
        case 14 if inner.number in _ARGUMENTS:
            form = _ARGUMENTS[inner.number]
            return c.Restart(read_settings(inner.inner(), form), form)
        case _:
            raise _unknown(element)


def _read_policy(element: Element) -> c.Command:
    inner = element.inner()
    match element.number:
        case 0:
            return _empty(inner, c.ReadPolicies())
        case 1:
            return c.AddPolicy(read_policy(inner))
        case 2:
            return _empty(inner, c.RemovePolicy())
        case _:
            raise _unknown(element)


def _read_block(element: Element) -> c.Command:  # noqa: PLR0911 - a table
    inner = element.inner()
    match element.number:
        case 0:
            return _empty(inner, c.ReadBlocks())
        case 1:
            return c.AddBlock(inner.integer())
        case 2:
            return _empty(inner, c.RemoveBlock())
        case 3:
            return _read_block_with_data(inner)
        case 4:
            fields = inner.fields()
            data = c.SetBlockData(fields.take().boolean(), fields.take().octets())
            fields.finish()
            return data
        case 5 | 6:
            return c.DumpBlock(inner.integer(), old=element.number == 5)
        case 7:
            return c.SetBlock(inner.boolean())
        case _:
            raise _unknown(element)


def _read_block_with_data(element: Element) -> c.Command:
    fields = element.fields()
    size, compressed = fields.take().integer(), fields.take().boolean()
    data = fields.take_if(der.OCTETS)
    fields.finish()
    return c.AddBlockWithData(size, compressed, None if data is None else data.body)


def _empty(element: Element, command: c.Command) -> c.Command:
    """The command, when what belongs to it is the NULL that it should be."""
    element.null()
    return command


def _unknown(element: Element) -> DecodeError:
    return DecodeError(f"a command has the unknown tag {element.number}")
