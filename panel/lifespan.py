"""What has to be so before the first request: the server asks at its start and ends if it is not."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from panel.body_caps import App, Receive, Scope, Send
from tenants.database_age import DatabaseIsNewer, require_known_database


class Started:
    """Answers the server's questions about start and end itself, and hands on everything else."""

    def __init__(self, application: App) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        while True:
            event = await receive()
            if event["type"] == "lifespan.shutdown":
                await send({"type": "lifespan.shutdown.complete"})
                return
            try:
                await sync_to_async(require_known_database)()
            except DatabaseIsNewer as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
