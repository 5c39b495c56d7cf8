"""The certificate that a server gets when it starts.

ptt's servers take their certificate from the TLSA records of their host's name when they start. With none
that is valid they wait for one and end: then they had better go on with the one that they have.
"""

from __future__ import annotations

from datetime import datetime

from tenants.formats.roles.certificate_host import certificate_host
from tenants.formats.zones.certificates import why_no_reload
from tenants.kept_certificates import certificate_of, zone_of
from tenants.models import CertificateUse, Unikernel, Zone


def certificate_problem(unikernel: Unikernel, now: datetime) -> str:
    """Why a server that starts now would get no valid certificate; "" when nothing is known against it.

    Whose certificate it is, its arguments tell, or a person did; only zones that Rookery keeps are known.
    """
    host, zone = _place(unikernel)
    if zone is None or not zone.is_kept:
        return ""
    return why_no_reload(certificate_of(zone, host, now), now)


def _place(unikernel: Unikernel) -> tuple[str, Zone | None]:
    host = certificate_host(unikernel.arguments)
    if host:
        return host, zone_of(unikernel.share.organization_id, host)
    use = CertificateUse.objects.filter(unikernel=unikernel).select_related("zone__domain").first()
    if use is None or use.mode == CertificateUse.Mode.OFF:
        return "", None
    return use.host, use.zone
