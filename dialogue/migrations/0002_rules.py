"""Rules that look beyond one row: see 0002_rules.sql beside this file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("dialogue", "0001_initial"), ("ewaste_portal", "0002_past_slugs")]

    operations = [migrations.RunSQL(SQL)]
