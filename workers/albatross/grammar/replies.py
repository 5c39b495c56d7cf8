"""Answers and pieces of streams. Unknown alternatives are named, not refused, unless the reader is strict."""

from __future__ import annotations

from typing import Literal

from workers.albatross import der_write as der
from workers.albatross import replies as r
from workers.albatross.der_read import Element
from workers.albatross.errors import DecodeError
from workers.albatross.grammar import policies, unikernels
from workers.albatross.grammar.names import read_name, write_name
from workers.albatross.grammar.statistics import read_statistics, write_statistics
from workers.albatross.times import read_time, write_time, write_utc_time

_INFOS: dict[int, Literal[2, 3, 4, 5, 6]] = {5: 2, 8: 3, 9: 4, 11: 5, 13: 6}
_INFOS_TAG = {form: tag for tag, form in _INFOS.items()}


def write_success(reply: r.Success, version: int) -> der.Parts:
    """An answer in its tag. Raises ValueError for what we do not know ourselves."""
    number, body = _tagged(reply, version)
    return der.context(number, body)


def _tagged(reply: r.Success, version: int) -> tuple[int, der.Parts]:  # noqa: PLR0911 - a table
    match reply:
        case r.Done():
            return 0, der.NULL
        case r.Said():
            return 1, der.text(reply.text)
        case r.Policies():
            named = (policies.write_named_policy(policy, version) for policy in reply.policies)
            return 2, der.sequence_of(named)
        case r.Configs():
            listed = (unikernels.write_named_config(one, version) for one in reply.unikernels)
            return 3, der.sequence_of(listed)
        case r.Blocks():
            return 4, der.sequence_of(policies.write_volume(one, version) for one in reply.volumes)
        case r.Infos():
            infos = (unikernels.write_named_info(one, reply.form, version) for one in reply.unikernels)
            return _INFOS_TAG[reply.form], der.sequence_of(infos)
        case r.Image() | r.BlockImage():
            body = der.sequence(der.boolean(reply.compressed), der.octets(reply.data))
            return 6 if isinstance(reply, r.Image) else 7, body
        case r.BlockStream():
            return 10, der.boolean(reply.compressed)
        case r.Consoles():
            return 12, der.sequence_of(write_name(name, version) for name in reply.names)
        case r.UnknownSuccess():
            raise ValueError("an unknown answer cannot be written")


def read_success(element: Element) -> r.Success:  # noqa: PLR0911 - a table
    """An answer in its tag. Raises DecodeError."""
    number, inner = element.number, element.inner()
    if number in _INFOS:
        form = _INFOS[number]
        return r.Infos(form, inner.many(unikernels.named_info_reader(form)))
    match number:
        case 0:
            inner.null()
            return r.Done()
        case 1:
            return r.Said(inner.text())
        case 2:
            return r.Policies(inner.many(policies.read_named_policy))
        case 3:
            return r.Configs(inner.many(unikernels.read_named_config))
        case 4:
            return r.Blocks(inner.many(policies.read_volume))
        case 6 | 7:
            fields = inner.fields()
            compressed, data = fields.take().boolean(), fields.take().octets()
            fields.finish()
            return r.Image(compressed, data) if number == 6 else r.BlockImage(compressed, data)
        case 10:
            return r.BlockStream(inner.boolean())
        case 12:
            return r.Consoles(inner.many(read_name))
        case _ if element.reading.strict:
            raise DecodeError(f"an answer has the unknown tag {number}")
        case _:
            return r.UnknownSuccess(number)


def write_data(data: r.Data) -> der.Parts:
    """A piece of a stream in its tag; an unknown one, as the sandbox sends, holds a NULL."""
    match data:
        case r.ConsoleLine():
            moment = write_utc_time if data.old else write_time
            body = der.sequence(moment(data.timestamp), der.text(data.line))
            return der.context(0 if data.old else 3, body)
        case r.Measured():
            return der.context(1, write_statistics(data.statistics))
        case r.BlockPiece():
            return der.context(4, der.context(0, der.octets(data.data)))
        case r.BlockEnd():
            return der.context(4, der.context(1, der.NULL))
        case r.UnknownData():
            return der.context(data.tag, der.NULL)


def read_data(element: Element) -> r.Data:
    """A piece of a stream in its tag. Raises DecodeError."""
    if element.number not in (0, 1, 3, 4) and element.is_context and not element.reading.strict:
        return r.UnknownData(element.number)
    number, inner = element.number, element.inner()
    match number:
        case 0 | 3:
            fields = inner.fields()
            line = r.ConsoleLine(read_time(fields.take()), fields.take().text(), old=number == 0)
            fields.finish()
            return line
        case 1:
            return r.Measured(read_statistics(inner))
        case 4:
            return _read_block_data(inner)
        case _:
            raise DecodeError(f"a piece of a stream has the unknown tag {number}")


def _read_block_data(element: Element) -> r.Data:
    inner = element.inner()
    match element.number:
        case 0:
            return r.BlockPiece(inner.octets())
        case 1:
            inner.null()
            return r.BlockEnd()
        case _:
            raise DecodeError(f"a piece of a block volume has the unknown tag {element.number}")
