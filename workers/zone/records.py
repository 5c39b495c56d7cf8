"""Record data of ours as dnspython's, for messages."""

from __future__ import annotations

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT

from tenants.formats.zones.bind.exporting import bind_text
from tenants.formats.zones.bind.rdata import rdata_from_text
from tenants.formats.zones.data.digests import Generic
from tenants.formats.zones.data.simple import TXT, Data
from tenants.formats.zones.names import ROOT
from tenants.formats.zones.zone import Soa

__all__ = ["rdata_of"]

_STRING = 255


def rdata_of(data: Data | Soa) -> dns.rdata.Rdata:
    """Return record data as they go into a message. Raises FormatError for what no message can hold."""
    if isinstance(data, Generic):
        return dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.RdataType.make(data.number), data.data)
    if isinstance(data, TXT):  # by far the slowest to read from text
        pieces = [data.value[start : start + _STRING] for start in range(0, len(data.value), _STRING)]
        return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces or [b""])
    if isinstance(data, Soa):
        numbers = f"{data.serial} {data.refresh} {data.retry} {data.expire} {data.minimum}"
        return rdata_from_text("SOA", f"{data.primary} {data.mailbox} {numbers}", ROOT)
    return rdata_from_text(data.type, bind_text(data), ROOT)
