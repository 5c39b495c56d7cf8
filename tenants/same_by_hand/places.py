"""Git repositories and conventional name servers."""

from __future__ import annotations

from tenants.formats.by_hand import git
from tenants.formats.by_hand.dns import key_file_commands, update_server_commands
from tenants.formats.git_access import git_only_line
from tenants.formats.zones.names import Name
from tenants.models import Repository, UpdateServer, Zone

MOST_ZONES = 20


def repository_by_hand(repository: Repository) -> str:
    """From elsewhere: compare the host's key, and look into it."""
    return git.reach_lines(_place(repository))


def git_host_by_hand(repository: Repository) -> str:
    """On the git host: the repository and who may reach it."""
    return git.host_lines(_place(repository))


def _place(repository: Repository) -> git.Repository:
    return git.Repository(
        host=repository.host,
        port=repository.port,
        username=repository.username,
        path=repository.path,
        branch=repository.branch,
        remote=repository.remote,
        access=git_only_line(repository.public_key),
    )


def update_server_by_hand(server: UpdateServer) -> str:
    zones = Zone.objects.filter(target__update_server=server, standing__in=Zone.KEPT)
    names = zones.order_by("domain__name").values_list("domain__name", flat=True)[:MOST_ZONES]
    origins = [Name.of(name) for name in names]
    where = "the secret of this key, as the name server has it in the file that tsig-keygen wrote"
    return "\n".join(
        [
            update_server_commands(server.address, server.port, server.key_name, server.algorithm, origins),
            key_file_commands(server.key_name, server.algorithm, where),
        ]
    )
