from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def renew_transaction_ids(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """After a dump was restored on another server, its transaction ids mean nothing: they begin anew."""
    if "knowledge_searchdocument" not in connections[using].introspection.table_names():
        return
    with connections[using].cursor() as cursor:
        cursor.execute(
            "UPDATE knowledge_searchdocument SET changed = DEFAULT WHERE changed >= pg_snapshot_xmax(pg_current_snapshot())"
        )


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        post_migrate.connect(renew_transaction_ids, sender=self)
