"""People and places: the ground that all parts of the portal stand on."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager as BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def _create(self, email: str, password: str | None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":  # type: ignore[override]
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":  # type: ignore[override]
        return self._create(email, password, is_staff=True, is_superuser=True, **fields)

    def service_account(self, name: str) -> "User":
        """The account that a command acts as when nobody is named: it can never sign in."""
        user, created = self.get_or_create(email=f"{name}@portal.invalid", defaults={"is_active": False})
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        return user


class User(AbstractUser):
    """A person with an account, known by e-mail address."""

    class Theme(models.TextChoices):
        DEVICE = "", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    theme = models.CharField(_("colours"), max_length=5, choices=Theme.choices, blank=True, default=Theme.DEVICE)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_case"),
            models.CheckConstraint(
                condition=models.Q(language__in=[code for code, _name in settings.LANGUAGES]),
                name="user_language_is_of_the_six",
            ),
        )

    def __str__(self) -> str:
        return self.get_full_name() or self.email


class Region(models.Model):
    """A region of the UN M49 standard; the parents make a tree with World (001) at the root."""

    m49 = models.CharField(_("M49 code"), max_length=3, primary_key=True, validators=[RegexValidator(r"^\d{3}$")])
    name = models.CharField(_("name"), max_length=120)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )

    if TYPE_CHECKING:  # a column of translation.py
        name_en: str

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ("m49",)

    def __str__(self) -> str:
        return self.name


class Country(models.Model):
    """A country or area of the UN M49 standard, with its ISO 3166-1 codes."""

    iso3 = models.CharField(_("ISO alpha-3 code"), max_length=3, primary_key=True)
    iso2 = models.CharField(_("ISO alpha-2 code"), max_length=2, unique=True)
    m49 = models.CharField(_("M49 code"), max_length=3, unique=True)
    name = models.CharField(_("name"), max_length=120)
    region = models.ForeignKey(Region, models.PROTECT, related_name="countries", verbose_name=_("region"))
    is_ldc = models.BooleanField(_("least developed country"), default=False)
    is_lldc = models.BooleanField(_("landlocked developing country"), default=False)
    is_sids = models.BooleanField(_("small island developing State"), default=False)

    if TYPE_CHECKING:  # a column of translation.py
        name_en: str

    class Meta:
        verbose_name = _("country or area")
        verbose_name_plural = _("countries and areas")
        ordering = ("iso3",)

    def __str__(self) -> str:
        return self.name


class Term(models.Model):
    """A label of a controlled vocabulary, kept in the database for the search alone.

    Python reads the labels from `vocabularies.py`; both come from data/vocabularies.csv.
    """

    vocabulary = models.CharField(max_length=40)
    code = models.CharField(max_length=60)
    labels = ArrayField(models.TextField(), help_text="In the order ar, zh-hans, en, fr, ru, es.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("vocabulary", "code"), name="term_code_unique"),)

    def __str__(self) -> str:
        return f"{self.vocabulary}:{self.code}"


class PastSlug(models.Model):
    """A slug that something published once had: its old address leads to the new one. Written by triggers."""

    class Kind(models.TextChoices):
        RESOURCE = "resource"
        TOPIC = "topic"
        ENTITY = "entity"
        DIALOGUE = "dialogue"
        PERSON = "person"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    slug = models.SlugField(max_length=120)
    object_id = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "slug"), name="past_slug_leads_to_one_object"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.slug}"
