"""`manage.py load_examples`: entities and persons made up for the demonstration, and files at every desk.

One application waits for review, one is with its Head for signature (the mail can be read in the demonstration), one is
signed, countersigned and certified. All are flagged as examples: no public count, feed or sitemap holds them.
"""

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from coalition import actions, ceremony
from coalition.groups import load_groups
from coalition.models import Entity, Letter, Membership
from ewaste_portal.models import User

ENTITIES = {
    "example-ministry": ("national-government", {
        "en": "Example Ministry of the Environment", "fr": "Ministère exemple de l'environnement",
        "es": "Ministerio Ejemplo de Medio Ambiente", "ru": "Министерство окружающей среды (пример)",
        "ar": "وزارة البيئة (مثال)", "zh_hans": "示例环境部",
    }),
    "example-university": ("academia", {
        "en": "Example University", "fr": "Université exemple", "es": "Universidad Ejemplo", "ru": "Университет (пример)",
        "ar": "جامعة (مثال)", "zh_hans": "示例大学",
    }),
    "example-recycling-company": ("recycler", {
        "en": "Example Recycling Company", "fr": "Entreprise exemple de recyclage", "es": "Empresa Ejemplo de Reciclaje",
        "ru": "Перерабатывающая компания (пример)", "ar": "شركة إعادة التدوير (مثال)", "zh_hans": "示例回收公司",
    }),
}  # fmt: skip


class Command(BaseCommand):
    help = "Adds the made-up entities and applications of the demonstration, once. Refused outside the demonstration."

    def handle(self, **options: Any) -> None:
        if not settings.PORTAL_DEMO:
            raise CommandError("Examples belong to the demonstration alone: set PORTAL_DEMO=true to look around.")
        if Entity.objects.filter(slug__in=ENTITIES).exists():
            self.stdout.write("Examples: there already.")
            return
        with transaction.atomic():
            self.load()
        self.stdout.write("Examples: three entities, one in review, one with its Head, one signed.")

    def load(self) -> None:
        load_groups()
        self.letter = Letter.objects.published().get(version="demonstration")
        self.reviewer = User.objects.service_account("example-reviewer")
        self.colleague = User.objects.service_account("example-countersigner")
        ministry, university, company = (self.entity(slug) for slug in ENTITIES)
        self.signed(ministry)
        self.with_the_head(university)
        actions.submit(membership=self.pledged(company), by=self.focal_point(company))

    def entity(self, slug: str) -> Entity:
        kind, names = ENTITIES[slug]
        return Entity.objects.create(
            slug=slug,
            kind=kind,
            is_example=True,
            domains=[f"{slug}.example.org"],
            source="Made up for the demonstration.",
            checked_at=timezone.now(),
            checked_by=self.reviewer,
            **{f"official_name_{column}": name for column, name in names.items()},
        )

    def focal_point(self, entity: Entity) -> User:
        """A verified person with an address in the entity's own domain, which confirms the role at once."""
        email = f"focal.point@{entity.slug}.example.org"
        user, created = User.objects.get_or_create(
            email=email, defaults={"first_name": "Example", "last_name": "Focal Point"}
        )
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            actions.request_role(entity=entity, by=user)
        return user

    def application(self, entity: Entity, **facts: str) -> Membership:
        return actions.begin(
            entity=entity,
            by=self.focal_point(entity),
            work="Made up for the demonstration: collects used equipment and publishes what becomes of it.",
            exclusions_declared=True,
            head_email=f"head@{entity.slug}.example.org",
            **facts,
        )

    def with_the_head(self, entity: Entity) -> Membership:
        membership = self.application(entity, head_name="Example Rector", head_title="Rector")
        membership = actions.submit(membership=membership, by=self.focal_point(entity))
        for item in actions.CHECKS:
            membership = actions.check(membership=membership, by=self.reviewer, item=item, note="Example.")
        deadline = timezone.localdate() + timedelta(days=actions.DAYS_TO_SIGN)
        return actions.approve(membership=membership, by=self.reviewer, letter=self.letter, sign_by=deadline)

    def signed(self, entity: Entity) -> None:
        """Signed through the ceremony itself, by the way of the typed name and the code."""
        membership = self.application(entity, head_name="Example Head", head_title="Minister")
        membership = actions.submit(membership=membership, by=self.focal_point(entity))
        for item in actions.CHECKS:
            membership = actions.check(membership=membership, by=self.reviewer, item=item, note="Example.")
        membership = actions.approve(membership=membership, by=self.reviewer, letter=self.letter)
        invitation = membership.invitations.get(used_at__isnull=True, revoked_at__isnull=True)
        prepared = ceremony.prepare(invitation, language="en")
        ceremony.sign(invitation, sealed=prepared.sealed, code_was_checked=True, typed_name="Example Head")
        actions.countersign(membership=membership, by=self.colleague)

    def pledged(self, entity: Entity) -> Membership:
        return actions.begin(
            entity=entity,
            by=self.focal_point(entity),
            track="supporter",
            work="Made up for the demonstration: treats screens and lamps.",
            pledge_text="Made up for the demonstration: shares its treatment figures every year.",
            exclusions_declared=True,
            head_name="Example Officer",
            head_title="Chief Executive",
            head_email=f"officer@{entity.slug}.example.org",
        )
