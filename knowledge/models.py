"""The library: works, their editions, the topics they are about, and the words that find each other."""

import contextlib
from typing import TYPE_CHECKING, Any

import pgtrigger
import pypdfium2
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from ewaste_portal import vocabularies
from knowledge import files, identifiers, languages
from knowledge.querysets import EditionQuerySet, ResourceQuerySet, SearchDocumentQuerySet, TopicQuerySet

FIRST_YEAR, LAST_YEAR = 1950, 2100


class IsISBN(models.Func):
    """The database's own check of an ISBN-13: form and check digit."""

    function = "knowledge_is_isbn"
    output_field = models.BooleanField()


class Topic(models.Model):
    """What a resource is about: a browsable entry to the library with an introduction of its own."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    introduction = models.TextField(_("introduction"), blank=True, help_text=_("Markdown."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ("position", "slug")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("knowledge:topic_detail", args=[self.slug])


class Resource(models.Model):
    """A work: a report, a law, a dataset, whatever its languages and formats, which are its editions.

    `original_*` is as printed. `title`, `subtitle` and `summary` have a column per UN language and no fallback; a title
    in a language of `own_titles` is our rendering and is shown as such. Summaries are all written for this catalogue.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("resource", "Draft")
        IN_REVIEW = "in-review", pgettext_lazy("resource", "In review")
        PUBLISHED = "published", pgettext_lazy("resource", "Published")
        WITHDRAWN = "withdrawn", pgettext_lazy("resource", "Withdrawn")

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    resource_type = models.CharField(_("type"), max_length=40, choices=vocabularies.Choices("resource_type"))
    original_title = models.CharField(_("original title"), max_length=500)
    original_subtitle = models.CharField(_("original subtitle"), max_length=500, blank=True)
    original_language = models.CharField(
        _("original language"), max_length=2, default="en", help_text=_("Two letters of ISO 639-1, such as pt.")
    )
    title = models.CharField(_("title"), max_length=500, blank=True)
    subtitle = models.CharField(_("subtitle"), max_length=500, blank=True)
    own_titles = ArrayField(
        models.CharField(max_length=10, choices=settings.LANGUAGES),
        verbose_name=_("titles of ours"),
        default=list,
        blank=True,
        help_text=_("Languages in which the title is our rendering, not the publisher's."),
    )
    summary = models.TextField(_("summary"), blank=True)

    authors = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("authors"),
        default=list,
        blank=True,
        help_text=_("“Surname, Initials”, one in each line."),
    )
    publishers = models.ManyToManyField(
        "coalition.Entity", through="ResourcePublisher", related_name="resources", verbose_name=_("publishers")
    )
    journal = models.CharField(_("journal"), max_length=300, blank=True)
    year = models.PositiveSmallIntegerField(
        _("year"), null=True, blank=True, help_text=_("Empty where it is not known.")
    )
    published_on = models.DateField(
        _("publication day"), null=True, blank=True, help_text=_("Only where the full day is known.")
    )

    topics = models.ManyToManyField(Topic, related_name="resources", blank=True, verbose_name=_("topics"))
    categories = ArrayField(
        models.CharField(max_length=60, choices=vocabularies.Choices("ewaste_category")),
        verbose_name=_("e-waste categories"),
        default=list,
        blank=True,
    )
    sdg_targets = ArrayField(
        models.CharField(max_length=6, choices=vocabularies.Choices("sdg_target")),
        verbose_name=_("SDG targets"),
        default=list,
        blank=True,
    )
    countries = models.ManyToManyField(
        "ewaste_portal.Country", related_name="resources", blank=True, verbose_name=_("countries and areas")
    )
    regions = models.ManyToManyField(
        "ewaste_portal.Region", related_name="resources", blank=True, verbose_name=_("regions")
    )
    initiatives = models.ManyToManyField(
        "coalition.Initiative", related_name="resources", blank=True, verbose_name=_("initiatives")
    )

    rights = models.CharField(_("rights"), max_length=40, choices=vocabularies.Choices("rights"), default="unknown")
    doi = models.CharField(_("DOI"), max_length=200, blank=True, validators=[identifiers.validate_doi])
    symbols = ArrayField(
        models.CharField(max_length=100),
        verbose_name=_("symbols and numbers"),
        default=list,
        blank=True,
        help_text=_("Document symbols and standard numbers, such as ITU-T L.1031, one in each line."),
    )
    source = models.TextField(_("source"), blank=True, help_text=_("Where these facts were seen; for curators."))

    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.DRAFT)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True, editable=False)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    withdrawal_reason = models.TextField(_("reason of the withdrawal"), blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = ResourceQuerySet.as_manager()

    if TYPE_CHECKING:  # columns of translation.py, and what the search adds to its results
        title_en: str | None
        summary_en: str | None
        title_headline: str
        summary_headline: str
        original_headline: str
        title_snippet: str
        summary_snippet: str

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ("-created_at", "-pk")
        permissions = (
            ("review_resource", "Can submit and return resources"),
            ("publish_resource", "Can publish, withdraw and reinstate resources"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(resource_type__in=vocabularies.codes("resource_type")),
                name="resource_type_is_in_the_vocabulary",
                violation_error_message=_("Choose a type from the list."),
            ),
            models.CheckConstraint(
                condition=Q(rights__in=vocabularies.codes("rights")),
                name="resource_rights_are_in_the_vocabulary",
                violation_error_message=_("Choose a rights statement from the list."),
            ),
            models.CheckConstraint(
                condition=Q(categories__contained_by=vocabularies.codes("ewaste_category")),
                name="resource_categories_are_in_the_vocabulary",
                violation_error_message=_("Choose e-waste categories from the list."),
            ),
            models.CheckConstraint(
                condition=Q(sdg_targets__contained_by=vocabularies.codes("sdg_target")),
                name="resource_targets_are_in_the_vocabulary",
                violation_error_message=_("Choose SDG targets from the list."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "in-review", "published", "withdrawn"]),
                name="resource_state_is_in_the_vocabulary",
            ),
            models.CheckConstraint(condition=~Q(original_title=""), name="resource_has_a_title"),
            models.CheckConstraint(
                condition=Q(original_language__regex=r"^[a-z]{2}$"),
                name="resource_language_is_iso_639_1",
                violation_error_message=_("Enter the two letters of a language code, such as en or pt."),
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__range=(FIRST_YEAR, LAST_YEAR)),
                name="resource_year_is_plausible",
                violation_error_message=_("Enter a year from 1950 to 2100, or leave it empty where it is not known."),
            ),
            models.CheckConstraint(
                condition=Q(published_on__isnull=True) | Q(year__isnull=False, published_on__year=F("year")),
                name="resource_day_lies_in_its_year",
                violation_error_message=_("The publication day must lie in the year."),
            ),
            models.CheckConstraint(
                condition=Q(doi="") | Q(doi__regex=r"^10\.[0-9]{4,9}/[^[:space:][:upper:]]+$"),
                name="resource_doi_is_well_formed",
                violation_error_message=_("Enter a DOI such as 10.1016/j.wasman.2019.08.012."),
            ),
            models.UniqueConstraint(
                F("doi"),
                condition=~Q(doi="") & ~Q(state="withdrawn"),
                name="resource_doi_unique_among_living_works",
                violation_error_message=_("Another resource already has this DOI."),
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True, submitted_by__isnull=True)
                | Q(submitted_at__isnull=False, submitted_by__isnull=False),
                name="resource_submitted_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, published_by__isnull=True)
                | Q(published_at__isnull=False, published_by__isnull=False),
                name="resource_published_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True, withdrawal_reason="")
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawal_reason=""),
                name="resource_withdrawn_when_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(state="in-review") | Q(submitted_at__isnull=False), name="resource_in_review_was_submitted"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["published", "withdrawn"]) | Q(published_at__isnull=False),
                name="resource_published_has_a_date",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn", withdrawn_at__isnull=False)
                | ~Q(state="withdrawn") & Q(withdrawn_at__isnull=True),
                name="resource_withdrawn_has_a_date_and_no_other_has",
            ),
        )
        indexes = (
            models.Index(
                fields=("state", "-published_at"), name="resource_by_state"
            ),  # the curators' lists, the home page
            # near titles on saving, and the admin's search
            GinIndex(OpClass(Upper("original_title"), name="gin_trgm_ops"), name="resource_title_trigrams"),
        )
        triggers = (
            pgtrigger.FSM(
                name="resource_states",
                field="state",
                transitions=[
                    ("draft", "in-review"),
                    ("in-review", "draft"),
                    ("draft", "published"),
                    ("in-review", "published"),
                    ("published", "withdrawn"),
                    ("withdrawn", "published"),
                ],
            ),
            pgtrigger.Trigger(
                name="published_resource_has_an_edition",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("state"),
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__state="published"),
                func="""
                    -- at the end of the transaction: it may have gone, or be published no more
                    IF EXISTS (SELECT FROM knowledge_resource WHERE id = NEW.id AND state = 'published')
                       AND NOT EXISTS (SELECT FROM knowledge_edition WHERE resource_id = NEW.id) THEN
                        RAISE EXCEPTION 'A resource needs an edition before it is published.' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        )

    def __str__(self) -> str:
        return self.original_title

    def get_absolute_url(self) -> str:
        return reverse("knowledge:resource_detail", args=[self.slug])

    def clean(self) -> None:
        self.doi = identifiers.normalise_doi(self.doi)
        if self.published_on and not self.year:
            self.year = self.published_on.year

    def get_resource_type_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("resource_type", self.resource_type)

    def get_rights_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("rights", self.rights)

    @property
    def is_published(self) -> bool:
        return self.state == self.State.PUBLISHED

    @property
    def is_withdrawn(self) -> bool:
        return self.state == self.State.WITHDRAWN

    # The words that a reader sees, in the active language where they exist ---------------

    def _in_reader_language(self, field: str) -> str:
        column = languages.column(languages.reader_code())
        return (getattr(self, f"{field}_{column}") or "") if column else ""

    @property
    def display_title(self) -> str:
        """The title in the reader's language where there is one, else the original."""
        if self.original_language == languages.reader_code():
            return self.original_title
        return self._in_reader_language("title") or self.original_title

    @property
    def display_subtitle(self) -> str:
        """Belongs to `display_title`: never in another language than the title."""
        if self.title_is_translated:
            return self._in_reader_language("subtitle")
        return self.original_subtitle

    @property
    def title_is_translated(self) -> bool:
        return self.original_language != languages.reader_code() and bool(self._in_reader_language("title"))

    @property
    def title_language(self) -> str:
        """The language of `display_title`, ISO 639-1."""
        return languages.reader_code() if self.title_is_translated else self.original_language

    @property
    def title_is_ours(self) -> bool:
        """True if `display_title` is our rendering and not the publisher's words."""
        code = languages.reader_code()
        return self.title_is_translated and languages.PORTAL_CODES.get(code, code) in self.own_titles

    @property
    def title_direction(self) -> str:
        return languages.direction(self.title_language)

    @property
    def original_direction(self) -> str:
        return languages.direction(self.original_language)

    @property
    def display_summary(self) -> str:
        """The summary in the reader's language, else in English."""
        return self._in_reader_language("summary") or self.summary_en or ""

    @property
    def summary_language(self) -> str:
        return languages.reader_code() if self._in_reader_language("summary") else "en"

    @property
    def full_original_title(self) -> str:
        return f"{self.original_title}: {self.original_subtitle}" if self.original_subtitle else self.original_title

    @property
    def category_labels(self) -> list[tuple[str, str]]:
        return [(code, vocabularies.label("ewaste_category", code)) for code in self.categories]

    @property
    def target_labels(self) -> list[tuple[str, str]]:
        return [(code, vocabularies.label("sdg_target", code)) for code in self.sdg_targets]

    @cached_property
    def publisher_entities(self) -> list[Any]:
        """The publishers in their order, each as the entity that it was merged into, and once. Uses the prefetched rows."""
        return list(dict.fromkeys(row.entity.merged_into or row.entity for row in self.resourcepublisher_set.all()))


class ResourcePublisher(models.Model):
    """An entity that published a resource; the order is the title page's."""

    resource = models.ForeignKey(Resource, models.CASCADE)
    entity = models.ForeignKey("coalition.Entity", models.PROTECT, verbose_name=_("publisher"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("publisher")
        verbose_name_plural = _("publishers")
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("resource", "entity"),
                name="resource_names_a_publisher_once",
                violation_error_message=_("This publisher is already named."),
            ),
        )

    def __str__(self) -> str:
        return str(self.entity)


class Edition(models.Model):
    """A resource in one language and form: where it can be read, if that is known."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="editions", verbose_name=_("resource"))
    language = models.CharField(_("language"), max_length=2, help_text=_("Two letters of ISO 639-1, such as pt."))
    title = models.CharField(_("title of this edition"), max_length=500, blank=True)
    isbn = models.CharField(_("ISBN"), max_length=20, blank=True, validators=[identifiers.validate_isbn])
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    url = models.URLField(_("address"), max_length=1000, blank=True)
    file = models.FileField(
        _("file"),
        upload_to="editions/",
        blank=True,
        validators=[files.validate_pdf],
        help_text=_("A PDF that may be shown here."),
    )
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    format = models.CharField(_("format"), max_length=20, blank=True, help_text=_("Such as PDF or HTML."))
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), null=True, blank=True)
    pages = models.PositiveIntegerField(_("pages"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(language__regex=r"^[a-z]{2}$"),
                name="edition_language_is_iso_639_1",
                violation_error_message=_("Enter the two letters of a language code, such as en or pt."),
            ),
            models.CheckConstraint(
                condition=Q(isbn="") | Q(IsISBN(F("isbn"))),
                name="edition_isbn_is_well_formed",
                violation_error_message=_("Enter an ISBN of 10 or 13 digits with the right check digit."),
            ),
            models.UniqueConstraint(
                F("isbn"),
                condition=~Q(isbn=""),
                name="edition_isbn_unique",
                violation_error_message=_("Another edition already has this ISBN."),
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__range=(FIRST_YEAR, LAST_YEAR)),
                name="edition_year_is_plausible",
                violation_error_message=_("Enter a year from 1950 to 2100, or leave it empty where it is not known."),
            ),
            models.CheckConstraint(
                condition=Q(url="") | Q(url__regex=r"^https?://"),
                name="edition_address_is_on_the_web",
                violation_error_message=_("Enter an address that begins with https:// or http://."),
            ),
            models.CheckConstraint(
                condition=Q(file="", sha256="") | ~Q(file="") & Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="edition_file_is_known_by_its_hash",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="published_resource_keeps_an_edition",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Delete | pgtrigger.UpdateOf("resource_id"),
                timing=pgtrigger.Deferred,
                func="""
                    -- waits for whoever is publishing the resource right now
                    PERFORM FROM knowledge_resource WHERE id = OLD.resource_id FOR UPDATE;
                    IF EXISTS (SELECT FROM knowledge_resource WHERE id = OLD.resource_id AND state = 'published')
                       AND NOT EXISTS (SELECT FROM knowledge_edition WHERE resource_id = OLD.resource_id) THEN
                        RAISE EXCEPTION 'The last edition of a published resource cannot go.' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._describe_file()
        super().save(*args, **kwargs)

    def _describe_file(self) -> None:
        """Format, size, pages and hash of a new file, from what is in it."""
        if not self.file:
            self.sha256 = ""
        elif not self.file._committed:
            octets = files.content(self.file)
            self.format, self.size_bytes, self.pages = "PDF", len(octets), files.page_count(octets)
            self.sha256 = files.sha256(octets)
            self.file.name = f"{self.sha256[:16]}.pdf"

    def clean(self) -> None:
        with contextlib.suppress(pypdfium2.PdfiumError):  # the file's validator tells what is wrong
            self._describe_file()
        self.isbn = identifiers.normalise_isbn(self.isbn) if self.isbn else ""
        self.language = self.language.lower()

    @property
    def file_address(self) -> str:
        """Where readers get the file: an address that changes with its content."""
        return (
            reverse("knowledge:edition_file", args=[self.resource.slug, self.language, self.sha256[:16]])
            if self.file
            else ""
        )

    @property
    def language_name(self) -> str:
        """In the reader's language."""
        return languages.name(self.language)

    @property
    def language_local_name(self) -> str:
        return languages.local_name(self.language)

    @property
    def direction(self) -> str:
        return languages.direction(self.language)

    @property
    def host(self) -> str:
        """The host of the address, for readers who want to know where a link leads."""
        return self.url.split("/")[2].removeprefix("www.") if self.url else ""

    @property
    def isbn_for_readers(self) -> str:
        return identifiers.format_isbn(self.isbn)


class Synonym(models.Model):
    """A concept of the thesaurus: phrases in any language that find each other."""

    concept = models.SlugField(_("concept"), max_length=80, unique=True)
    terms = ArrayField(
        models.CharField(max_length=120),
        verbose_name=_("terms"),
        help_text=_("Phrases that mean the same, one in each line."),
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("synonyms")
        verbose_name_plural = _("synonyms")
        ordering = ("concept",)
        constraints = (
            models.CheckConstraint(
                condition=Q(terms__len__gte=2),
                name="synonym_has_two_terms",
                violation_error_message=_("Enter at least two terms."),
            ),
        )

    def __str__(self) -> str:
        return self.concept


class SearchDocument(models.Model):
    """What a resource is found by. Written by the database alone (see migrations/0002_search.sql), never by Python.

    Only a published resource has words and facets here; `facets` holds `facet:code` strings.
    """

    resource = models.OneToOneField(
        Resource, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="search_document"
    )
    is_public = models.BooleanField(default=False)
    vector = SearchVectorField()
    title_vector = SearchVectorField()
    facets = ArrayField(models.TextField(), default=list)
    year = models.SmallIntegerField(null=True)
    newest_key = models.IntegerField(default=0)
    title_key = models.TextField(default="")

    objects = SearchDocumentQuerySet.as_manager()

    class Meta:
        indexes = (
            GinIndex(fields=("vector",), name="document_words", condition=Q(is_public=True), fastupdate=False),
            GinIndex(
                fields=("title_vector",), name="document_title_words", condition=Q(is_public=True), fastupdate=False
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
