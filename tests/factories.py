"""One small factory per model, valid with no arguments; texts are given per language: title_fr="..."."""

from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.db import connection
from django.utils import timezone
from factory.django import DjangoModelFactory, Password

from coalition.models import Entity
from ewaste_portal.models import User
from knowledge import actions
from knowledge.models import Edition, Resource, ResourcePublisher, Synonym, Topic

PASSWORD = "a password for tests"


class UserFactory(DjangoModelFactory):
    """`verified=True` also confirms the e-mail address, so that the person can sign in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    password = Password(PASSWORD)

    @factory.post_generation
    def verified(self: User, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        if create and extracted:
            EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)


class EntityFactory(DjangoModelFactory):
    """Checked; with `unchecked=True` as an applicant adds it."""

    class Meta:
        model = Entity

    slug = factory.Sequence(lambda n: f"entity-{n}")
    kind = "un-body"
    official_name_en = factory.Sequence(lambda n: f"Entity {n}")
    checked_at = factory.LazyFunction(timezone.now)
    checked_by = factory.LazyFunction(lambda: User.objects.service_account("load-entities"))

    class Params:
        unchecked = factory.Trait(checked_at=None, checked_by=None)


class TopicFactory(DjangoModelFactory):
    class Meta:
        model = Topic

    slug = factory.Sequence(lambda n: f"topic-{n}")
    name_en = factory.Sequence(lambda n: f"Topic {n}")


class ResourceFactory(DjangoModelFactory):
    """A draft in English; `publishers`, `topics`, `countries` and `regions` take lists of objects."""

    class Meta:
        model = Resource
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"resource-{n}")
    resource_type = "report"
    original_title = factory.Sequence(lambda n: f"Resource {n}")
    year = 2020

    @factory.post_generation
    def publishers(self: Resource, create: bool, extracted: list[Entity] | None, **kwargs: Any) -> None:
        for position, entity in enumerate(extracted or ()):
            ResourcePublisher.objects.create(resource=self, entity=entity, position=position)

    @factory.post_generation
    def topics(self: Resource, create: bool, extracted: list[Topic] | None, **kwargs: Any) -> None:
        if create and extracted:
            self.topics.add(*extracted)

    @factory.post_generation
    def countries(self: Resource, create: bool, extracted: list[Any] | None, **kwargs: Any) -> None:
        if create and extracted:
            self.countries.add(*extracted)

    @factory.post_generation
    def regions(self: Resource, create: bool, extracted: list[Any] | None, **kwargs: Any) -> None:
        if create and extracted:
            self.regions.add(*extracted)


class EditionFactory(DjangoModelFactory):
    class Meta:
        model = Edition

    resource = factory.SubFactory(ResourceFactory)
    language = "en"
    url = factory.Sequence(lambda n: f"https://example.org/editions/{n}.pdf")
    format = "PDF"


class SynonymFactory(DjangoModelFactory):
    class Meta:
        model = Synonym

    concept = factory.Sequence(lambda n: f"concept-{n}")
    terms = factory.Sequence(lambda n: [f"term{n}", f"other term{n}"])


def published_resource(
    *, by: User | None = None, editions: list[dict[str, Any]] | None = None, **fields: Any
) -> Resource:
    """A resource that went the whole way: draft, edition (or several, each as keywords of EditionFactory), published."""
    resource = ResourceFactory(**fields)
    for position, edition in enumerate([{}] if editions is None else editions):
        EditionFactory(**{"resource": resource, "position": position, **edition})
    actions.publish(resource=resource, by=by or UserFactory())
    connection.check_constraints()  # what the end of a request's transaction would do
    return resource


def withdrawn_resource(
    *, reason: str = "Replaced by a newer edition.", by: User | None = None, **fields: Any
) -> Resource:
    by = by or UserFactory()
    resource = published_resource(by=by, **fields)
    actions.withdraw(resource=resource, by=by, reason=reason)
    return resource
