"""Worlds for the tests. Regions, countries and vocabularies are there from the start: `migrate` brings them."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import transaction
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
