"""Pages of a domain's DNS."""

from __future__ import annotations

from django.urls import path

from panel.web import (
    registrar,
    update_servers,
    zone_access,
    zone_endings,
    zone_exports,
    zone_history,
    zone_imports,
    zone_mail,
    zone_places,
    zone_setup,
    zones,
)

_DOMAIN = "d/<mail_domain:domain>"
_ZONE = f"{_DOMAIN}/dns"
_UPDATE_SERVER = f"{_ZONE}/server/<int:name_server_id>"
_ZONE_REPOSITORY = f"{_ZONE}/repository/<int:repository_id>"

urlpatterns = [
    path(_ZONE, zones.zone, name="zone"),
    path(f"{_ZONE}/registrar", registrar.domain_registrar, name="domain-registrar"),
    path(f"{_ZONE}/new", zone_setup.zone_new, name="zone-new"),
    path(f"{_ZONE}/record", zones.record_set_edit, name="record-set-edit"),
    path(f"{_ZONE}/stage", zones.record_set_stage, name="record-set-stage"),
    path(f"{_ZONE}/review", zones.zone_review, name="zone-review"),
    path(f"{_ZONE}/discard", zones.zone_discard, name="zone-discard"),
    path(f"{_ZONE}/decide", zones.zone_decide, name="zone-decide"),
    path(f"{_ZONE}/export", zone_exports.zone_export, name="zone-export"),
    path(f"{_ZONE}/export/<slug:form>", zone_exports.zone_download, name="zone-download"),
    path(f"{_ZONE}/history", zone_history.zone_history, name="zone-history"),
    path(
        f"{_ZONE}/history/<slug:kind>/<path:owner>",
        zone_history.record_set_history,
        name="record-set-history",
    ),
    path(f"{_ZONE}/import", zone_imports.zone_import, name="zone-import"),
    path(f"{_ZONE}/mail", zone_mail.zone_mail, name="zone-mail"),
    path(f"{_ZONE}/look", zones.zone_look, name="zone-look"),
    path(f"{_ZONE}/settings", zones.zone_settings, name="zone-settings"),
    path(f"{_ZONE}/place", zone_places.zone_place, name="zone-place"),
    path(f"{_ZONE}/end", zone_endings.zone_end, name="zone-end"),
    path(f"{_ZONE}/return", zone_endings.zone_return, name="zone-return"),
    path(f"{_ZONE}/freeze", zones.zone_freeze, name="zone-freeze"),
    path(f"{_ZONE}/keys", zone_access.zone_keys, name="zone-keys"),
    path(f"{_ZONE}/keys/<int:key_id>/rotate", zone_access.zone_key_rotate, name="zone-key-rotate"),
    path(f"{_ZONE}/keys/<int:key_id>/remove", zone_access.zone_key_remove, name="zone-key-remove"),
    path(f"{_ZONE}/servers", zone_access.zone_servers, name="zone-servers"),
    path(
        f"{_ZONE}/servers/<int:server_id>/remove", zone_access.zone_server_remove, name="zone-server-remove"
    ),
    path(f"{_ZONE}/server/new", update_servers.update_server_new, name="update-server-new"),
    path(_UPDATE_SERVER, update_servers.update_server, name="update-server"),
    path(f"{_UPDATE_SERVER}/key", update_servers.update_server_key, name="update-server-key"),
    path(f"{_UPDATE_SERVER}/begin", update_servers.update_server_begin, name="update-server-begin"),
    path(
        f"{_UPDATE_SERVER}/disconnect",
        zone_places.update_server_disconnect,
        name="update-server-disconnect",
    ),
    path(f"{_UPDATE_SERVER}/look", update_servers.update_server_look, name="update-server-look"),
    path(f"{_UPDATE_SERVER}/drift", update_servers.update_server_drift, name="update-server-drift"),
    path(f"{_ZONE}/repository/new", zone_setup.zone_repository_new, name="zone-repository-new"),
    path(_ZONE_REPOSITORY, zone_setup.zone_repository, name="zone-repository"),
    path(f"{_ZONE_REPOSITORY}/pin", zone_setup.zone_repository_pin, name="zone-repository-pin"),
    path(f"{_ZONE_REPOSITORY}/look", zone_setup.zone_repository_look, name="zone-repository-look"),
    path(f"{_ZONE_REPOSITORY}/take", zone_setup.zone_repository_take, name="zone-repository-take"),
    path(f"{_ZONE_REPOSITORY}/drift", zone_setup.zone_repository_drift, name="zone-repository-drift"),
]
