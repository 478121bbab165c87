"""What a deployment can get wrong, as system checks: each with an id and a hint."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from ewaste_portal.database import check_server


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Run by `migrate`, and by `check --database default`."""
    hint = "docs/operations.md says how to prepare a PostgreSQL server for the portal."
    return [
        Error(problem, hint=hint, id="portal.E001")
        for alias in databases or ()
        for problem in check_server(connections[alias])
    ]


@register(Tags.security, deploy=True)
def check_demo_is_off(**kwargs: Any) -> list[CheckMessage]:
    if not settings.PORTAL_DEMO:
        return []
    hint = "Set PORTAL_DEMO=false: the demo shows every mail it sends, with its codes, to anyone."
    return [Error("PORTAL_DEMO is on.", hint=hint, id="portal.E010")]
