"""Which resources, editions and topics. Every public page, feed, search and download starts at `published()`."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Prefetch, Q

if TYPE_CHECKING:
    from coalition.models import Entity, Initiative
    from knowledge.models import Edition, Resource, SearchDocument, Topic  # noqa: F401


class ResourceQuerySet(models.QuerySet["Resource"]):
    def published(self) -> Self:
        return self.filter(state="published")

    def withdrawn(self) -> Self:
        return self.filter(state="withdrawn")

    def waiting(self) -> Self:
        """Drafts and what is in review: a curator's work."""
        return self.filter(state__in=["draft", "in-review"])

    def about(self, topic: "Topic") -> Self:
        return self.filter(topics=topic)

    def published_by_entity(self, entity: "Entity") -> Self:
        """Works that name the entity, or one merged into it, as publisher."""
        return self.filter(Q(publishers=entity) | Q(publishers__merged_into=entity)).distinct()

    def on_initiative(self, initiative: "Initiative") -> Self:
        return self.filter(initiatives=initiative)

    def newest_first(self) -> Self:
        return self.order_by("-search_document__newest_key", "search_document__title_key", "pk")

    def without_online_copy(self) -> Self:
        """No edition has an address: the curators' list “links missing”."""
        from knowledge.models import Edition  # noqa: PLC0415  the models import this module

        return self.filter(~Exists(Edition.objects.filter(resource=OuterRef("pk")).exclude(url="", file="")))

    def for_listing(self) -> Self:
        """Rows of a result list: two more queries, however many rows."""
        from knowledge.models import Edition, ResourcePublisher  # noqa: PLC0415  the models import this module

        return self.prefetch_related(
            Prefetch("editions", Edition.objects.all()),
            Prefetch(
                "resourcepublisher_set", ResourcePublisher.objects.select_related("entity", "entity__merged_into")
            ),
        )

    def for_detail(self) -> Self:
        """`initiatives` holds the published ones alone."""
        from coalition.models import Initiative  # noqa: PLC0415  the models import this module

        initiatives = Initiative.objects.published().select_related("entity")
        return self.for_listing().prefetch_related(
            "topics", "countries", "regions", Prefetch("initiatives", initiatives)
        )


class EditionQuerySet(models.QuerySet["Edition"]):
    def published(self) -> Self:
        return self.filter(resource__state="published")


class TopicQuerySet(models.QuerySet["Topic"]):
    def with_resource_count(self) -> Self:
        """`resource_count`: published resources about the topic."""
        return self.annotate(resource_count=Count("resources", filter=Q(resources__state="published")))


class SearchDocumentQuerySet(models.QuerySet["SearchDocument"]):
    def public(self) -> Self:
        return self.filter(is_public=True)
