"""`manage.py load_dialogues`: the dialogues known from public sources (docs/sources.md), and the group of their staff."""

from typing import Any

from django.core.management.base import BaseCommand

from dialogue.content import DATA, Loader, load_people
from dialogue.groups import load_groups
from ewaste_portal.models import User


class Command(BaseCommand):
    help = "Adds the shipped dialogues that are not there yet. Needs the starting content (load_demo)."

    def handle(self, **options: Any) -> None:
        load_groups()
        people = load_people(DATA / "people.toml")
        loader = Loader(by=User.objects.service_account("load-dialogues"))
        created = loader.load(path for path in sorted(DATA.glob("*.toml")) if path.name != "people.toml")
        for name in loader.missing:
            self.stderr.write(f"Dialogues: {name} is not there; what is known of it is passed over.")
        self.stdout.write(f"Dialogues: {created} dialogues, {people} people created.")
