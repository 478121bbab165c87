"""Worlds for the tests. Regions, countries and vocabularies are there from the start: `migrate` brings them."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation
from pytest_django import DjangoDbBlocker

from knowledge.search import catalogue as catalogues


def pytest_configure(config: pytest.Config) -> None:
    """A fresh clone has no compiled catalogues yet; the workers of a parallel run find them made."""
    if not hasattr(config, "workerinput"):
        call_command("compile_catalogues", verbosity=0)


DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "catalogue"}


@pytest.fixture(autouse=True)
def clean_slate(request: pytest.FixtureRequest) -> Iterator[None]:
    """What outlives a rolled back transaction: the cache (rate limits), the catalogue in memory, the language."""
    if request.node.get_closest_marker("django_db") or DATABASE_FIXTURES & set(request.fixturenames):
        request.getfixturevalue("transactional_db" if _is_transactional(request) else "db")
        cache.clear()
    catalogues._catalogues.clear()
    with translation.override("en"):
        yield


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or bool(
        {"transactional_db", "live_server"} & set(request.fixturenames)
    )


@pytest.fixture(scope="module")
def catalogue(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The shipped catalogue, loaded once for the tests of a module and rolled back after the last of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_demo", verbosity=0, stdout=_Silent())
        yield
        transaction.set_rollback(True)


class _Silent:
    def write(self, text: str) -> None:
        pass


@pytest.fixture(autouse=True, scope="session")
def flush_final_records() -> Iterator[None]:
    """Journal and signatures refuse TRUNCATE; only the flush after a transactional test may, with these triggers off."""
    original = DatabaseOperations.execute_sql_flush
    tables = {
        "coalition_journalentry": "journal_is_not_emptied",
        "coalition_signature": "signatures_are_not_emptied",
        "coalition_lettertext": "letter_texts_are_not_emptied",
        "coalition_pledgeupdate": "progress_notes_are_not_emptied",
    }

    def execute_sql_flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in tables.items()]
        on = [f"ALTER TABLE {table} ENABLE TRIGGER {trigger}" for table, trigger in tables.items()]
        original(self, [*off, *sql_list, *on])

    DatabaseOperations.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]
