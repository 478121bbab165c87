"""Brings regions, countries and vocabulary labels into the database: after each migrate, from the shipped files."""

import csv
from collections.abc import Iterator
from typing import Any

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from ewaste_portal import vocabularies

WORLD = "001"
NAME_COLUMNS = {
    f"name_{to}": f"name_{column}"
    for to, column in {"ar": "ar", "zh_hans": "zh", "en": "en", "fr": "fr", "ru": "ru", "es": "es"}.items()
}


def read_csv(name: str) -> Iterator[dict[str, str]]:
    with (vocabularies.DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _names(row: dict[str, str]) -> dict[str, str]:
    return {"name": row["name_en"], **{field: row[column] for field, column in NAME_COLUMNS.items()}}


def load_reference_data(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Idempotent: writes only what differs from the files."""
    from ewaste_portal.models import Country, Region, Term  # noqa: PLC0415  called by a signal, before models may be imported

    if Term._meta.db_table not in connections[using].introspection.table_names():
        return
    call_command("createcachetable", database=using, verbosity=0)
    regions = list(read_csv("regions.csv"))
    wanted: dict[type[Any], list[Any]] = {
        Region: [Region(m49=row["m49"], parent_id=row["parent_m49"] or None, **_names(row)) for row in regions],
        Country: [
            Country(
                iso3=row["iso3"],
                iso2=row["iso2"],
                m49=row["m49"],
                region_id=row["subregion_m49"] or row["region_m49"] or WORLD,
                is_ldc=row["ldc"] == "yes",
                is_lldc=row["lldc"] == "yes",
                is_sids=row["sids"] == "yes",
                **_names(row),
            )
            for row in read_csv("countries.csv")
        ],
        Term: [
            Term(vocabulary=vocabulary, code=code, labels=vocabularies.labels(vocabulary, code))
            for vocabulary in vocabularies.names()
            for code in vocabularies.codes(vocabulary)
        ],
    }
    with transaction.atomic(using=using):
        for model, rows in wanted.items():
            key = ("vocabulary", "code") if model is Term else (model._meta.pk.name,)
            fields = [f.attname for f in model._meta.concrete_fields if not (f.primary_key and model is Term)]
            stored = {tuple(v[k] for k in key): v for v in model.objects.using(using).values(*fields)}
            changed = [
                row
                for row in rows
                if stored.get(tuple(getattr(row, k) for k in key)) != {name: getattr(row, name) for name in fields}
            ]
            model.objects.using(using).bulk_create(
                changed,
                update_conflicts=True,
                unique_fields=key,
                update_fields=[f.name for f in model._meta.concrete_fields if not f.primary_key and f.name not in key],
            )
