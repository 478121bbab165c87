from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import base, client

from ewaste_portal.database import ensure_server


class DatabaseClient(client.DatabaseClient):
    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()  # starts the server
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """OPTIONS: `home`, the cluster's folder; `durable` (default True), False for tests."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        options = self.settings_dict["OPTIONS"]
        server = ensure_server(
            options["home"], self.settings_dict["NAME"] or None, durable=options.get("durable", True)
        )
        self.settings_dict.update(server)
        params: dict[str, Any] = super().get_connection_params()
        return {name: value for name, value in params.items() if name not in {"home", "durable"}}
