"""People, and in which capacity they took part: as they were then, not as they are today."""

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dialogue.querysets import ParticipationQuerySet, PersonQuerySet
from ewaste_portal import vocabularies


class Person(models.Model):
    """Somebody with a part in a dialogue: a name and nothing private."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=200, help_text=_("As the person writes it; never translated."))
    pronunciation = models.CharField(
        _("how to say it"), max_length=200, blank=True, help_text=_("For the moderator's run of show.")
    )
    is_example = models.BooleanField(_("made up for the demonstration"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ("name",)
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="person_has_a_name"),)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dialogue:person_detail", args=[self.slug])

    @property
    def initials(self) -> str:
        words = [word[0] for word in self.name.replace("-", " ").split() if word[0].isalpha()]
        return (words[0] + words[-1] if len(words) > 1 else "".join(words)).upper()


class Participation(models.Model):
    """A part in a dialogue or one of its sessions. Name, title and entity are kept as they were then.

    `person` is empty where an entity is known to take part and nobody knows by whom. What `frozen_at` fixes, a trigger
    keeps (migrations/0002_rules.sql): a mistake is corrected by a new row.
    """

    dialogue = models.ForeignKey(
        "dialogue.Dialogue", models.CASCADE, related_name="participations", verbose_name=_("dialogue")
    )
    session = models.ForeignKey(
        "dialogue.Session", models.CASCADE, null=True, blank=True, related_name="participations",
        verbose_name=_("session"), help_text=_("Empty: the whole dialogue."),
    )  # fmt: skip
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="participations", verbose_name=_("person")
    )
    entity = models.ForeignKey(
        "coalition.Entity", models.PROTECT, null=True, blank=True, related_name="participations",
        verbose_name=_("entity"),
    )  # fmt: skip
    role = models.CharField(_("role"), max_length=40, choices=vocabularies.Choices("participation_role"))
    position = models.PositiveSmallIntegerField(_("protocol order"), default=0)
    title_then = models.CharField(_("title, as it was then"), max_length=200, blank=True)
    entity_then = models.CharField(
        _("entity, as it was called then"), max_length=300, blank=True,
        help_text=_("Empty: taken over from the entity when the dialogue is published."),
    )  # fmt: skip
    on_behalf_of = models.CharField(
        _("on behalf of"), max_length=200, blank=True,
        help_text=_("The Head whom a deputy stood for, where a source says so."),
    )  # fmt: skip
    sector = models.CharField(_("sector"), max_length=40, choices=vocabularies.Choices("sector"), blank=True)
    minutes = models.PositiveSmallIntegerField(_("minutes to speak"), null=True, blank=True)
    source_url = models.URLField(_("source"), max_length=500, blank=True)
    is_reported = models.BooleanField(
        _("reported by a secondary source"), default=False, help_text=_("Shown as “according to” its source.")
    )
    frozen_at = models.DateTimeField(_("fixed"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    modified_at = models.DateTimeField(_("modified"), auto_now=True)

    objects = ParticipationQuerySet.as_manager()

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=False) | Q(entity__isnull=False),
                name="part_is_somebodys",
                violation_error_message=_("Choose a person, an entity or both."),
            ),
            models.CheckConstraint(
                condition=Q(role__in=vocabularies.codes("participation_role")), name="part_role_is_in_the_vocabulary"
            ),
            models.CheckConstraint(
                condition=Q(sector="") | Q(sector__in=vocabularies.codes("sector")),
                name="part_sector_is_in_the_vocabulary",
            ),
            models.CheckConstraint(
                condition=~Q(is_reported=True) | ~Q(source_url=""),
                name="reported_part_has_its_source",
                violation_error_message=_("What is reported needs its source."),
            ),
            models.UniqueConstraint(
                fields=("dialogue", "session", "person", "entity", "role"), name="part_once", nulls_distinct=False,
                violation_error_message=_("This part is entered already."),
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.name}, {self.get_role_display()}"

    def get_role_display(self) -> str:  # type: ignore[no-redef]  # in the reader's language
        return vocabularies.label("participation_role", self.role)

    def get_sector_display(self) -> str:  # type: ignore[no-redef]
        return vocabularies.label("sector", self.sector) if self.sector else ""

    @property
    def name(self) -> str:
        """The person's, or the entity's where nobody is known."""
        return str(self.person) if self.person else self.entity_name

    @property
    def entity_name(self) -> str:
        """As it was called then; before publication as it is called today."""
        return self.entity_then or (self.entity.official_name if self.entity else "")

    @property
    def is_of_the_un(self) -> bool:
        return self.sector == "un" or (self.entity is not None and self.entity.kind == "un-body")
