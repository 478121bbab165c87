"""The functions, tables and triggers of the search: see 0002_search.sql beside this file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0001_initial"),
        ("coalition", "0002_past_slugs"),
        ("ewaste_portal", "0002_past_slugs"),
    ]

    operations = [migrations.RunSQL(SQL)]
