"""Quota policies and block volumes."""

from __future__ import annotations

from workers.albatross import der_write as der
from workers.albatross.der_read import Element
from workers.albatross.grammar.names import read_name, read_text, write_name
from workers.albatross.values import BlockVolume, NamedPolicy, QuotaPolicy


def write_policy(policy: QuotaPolicy) -> der.Parts:
    return der.sequence(
        der.sequence_of(map(der.integer, policy.cpuids)),
        der.integer(policy.unikernels),
        der.integer(policy.memory),
        () if policy.block is None else der.integer(policy.block),
        der.sequence_of(map(der.text, policy.bridges)),
    )


def read_policy(element: Element) -> QuotaPolicy:
    fields = element.fields()
    cpuids = fields.take().many(Element.integer)
    unikernels, memory = fields.take().integer(), fields.take().integer()
    block = fields.take_if(der.INTEGER)
    bridges = fields.take().many(read_text)
    fields.finish()
    return QuotaPolicy(unikernels, memory, cpuids, None if block is None else block.integer(), bridges)


def write_named_policy(named: NamedPolicy, version: int) -> der.Parts:
    return der.sequence(write_name(named.name, version), write_policy(named.policy))


def read_named_policy(element: Element) -> NamedPolicy:
    fields = element.fields()
    named = NamedPolicy(read_name(fields.take()), read_policy(fields.take()))
    fields.finish()
    return named


def write_volume(volume: BlockVolume, version: int) -> der.Parts:
    return der.sequence(
        write_name(volume.name, version), der.integer(volume.size), der.boolean(volume.active)
    )


def read_volume(element: Element) -> BlockVolume:
    fields = element.fields()
    volume = BlockVolume(read_name(fields.take()), fields.take().integer(), fields.take().boolean())
    fields.finish()
    return volume
