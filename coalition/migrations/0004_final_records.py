"""The triggers of records that nothing changes: see 0004_final_records.sql beside this file."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("coalition", "0003_membership")]

    operations = [migrations.RunSQL(SQL)]
