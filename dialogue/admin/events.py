"""One screen prepares a dialogue: when and where, sessions, people, what it shall bring; then publishing and what follows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from coalition.admin import badge, name_of
from coalition.models import Letter
from dialogue import changes, desk, permissions, publish_check
from dialogue.actions import programme
from dialogue.balance import balance
from dialogue.forms import programme as forms_of
from dialogue.models import DesiredOutput, Dialogue, ExpectedOutcome, Participation, Person, Session
from dialogue.times import when
from ewaste_portal.context import language_tag
from ewaste_portal.workplace import (
    EventHistory,
    LanguageTabs,
    Waiting,
    language_fieldsets,
    translated,
)

SOON = timedelta(days=30)
PHASES = {"draft": "quiet", "upcoming": "type", "live": "success", "held": "quiet", "cancelled": "danger"}
OTHER_LANGUAGES = ("ar", "zh_hans", "fr", "ru", "es")
ROW_TEXTS = {"rows": 2, "class": "vLargeTextField"}


# Steps --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What a button of the screen leads to: a page that asks, then the act. `act` returns where to go, or nothing."""

    name: str
    title: Any  # lazy texts
    explanation: Any
    button: Any
    form: type[forms_of.StepForm]
    is_open: Callable[[Dialogue], bool]
    act: Callable[..., Any]
    done: Any
    is_grave: bool = False


def _each_session(act: Callable[..., Any]) -> Callable[..., None]:
    @transaction.atomic
    def acts(*, dialogue: Dialogue, by: Any, sessions: Any) -> None:
        for session in sessions:
            act(session=session, by=by)

    return acts


def _is_planned(dialogue: Dialogue) -> bool:
    return dialogue.status in programme.PUBLISHED


def _has(state: str) -> Callable[[Dialogue], bool]:
    return lambda dialogue: _is_planned(dialogue) and any(row.state == state for row in dialogue.sessions.all())


STEPS = {
    step.name: step
    for step in (
        Step(
            "publish", gettext_lazy("Publish check"),
            gettext_lazy("Everyone can read it, and in which capacity people take part is fixed."),
            gettext_lazy("Publish"), forms_of.PublishForm, lambda dialogue: not dialogue.is_public, programme.publish,
            gettext_lazy("The dialogue is published."),
        ),
        Step(
            "publish-sessions", gettext_lazy("Publish sessions that were held back"),
            gettext_lazy("They appear in the programme, and those who registered are told."),
            gettext_lazy("Publish sessions"), forms_of.SessionsForm, _has(Session.State.DRAFT),
            _each_session(programme.publish_session), gettext_lazy("The sessions are published."),
        ),
        Step(
            "reschedule", gettext_lazy("Move to another time"),
            gettext_lazy("Those who registered are told, with an update for their calendars."),
            gettext_lazy("Move"), forms_of.RescheduleForm, _is_planned, programme.reschedule,
            gettext_lazy("The dialogue was moved."),
        ),
        Step(
            "cancel-sessions", gettext_lazy("Cancel sessions"),
            gettext_lazy("They stay in the programme as cancelled, and those who registered are told."),
            gettext_lazy("Cancel sessions"), forms_of.PublishedSessionsForm, _has(Session.State.PUBLISHED),
            _each_session(programme.cancel_session), gettext_lazy("The sessions were cancelled."), True,
        ),
        Step(
            "reinstate-sessions", gettext_lazy("Take cancelled sessions up again"),
            gettext_lazy("They take place after all, and those who registered are told."),
            gettext_lazy("Take up again"), forms_of.CancelledSessionsForm, _has(Session.State.CANCELLED),
            _each_session(programme.reinstate_session), gettext_lazy("The sessions take place after all."),
        ),
        Step(
            "cancel", gettext_lazy("Cancel the dialogue"),
            gettext_lazy("Its page stays and says why; those who registered are told, and their calendars too."),
            gettext_lazy("Cancel the dialogue"), forms_of.NoteForm, _is_planned, programme.cancel,
            gettext_lazy("The dialogue was cancelled."), True,
        ),
        Step(
            "reinstate", gettext_lazy("Hold it after all"),
            gettext_lazy("It takes place at the time that it had; those who registered are told."),
            gettext_lazy("Hold it after all"), forms_of.StepForm, lambda dialogue: dialogue.is_cancelled,
            programme.reinstate, gettext_lazy("The dialogue takes place after all."),
        ),
        Step(
            "follow-up", gettext_lazy("Prepare a follow-up meeting"),
            gettext_lazy(
                "A draft with a point of the agenda for each expected outcome that is still open. A round of the Coalition "
                "opens today; publishing the draft invites the focal points of signatories."
            ),
            gettext_lazy("Prepare"), forms_of.FollowUpForm,
            lambda dialogue: _is_planned(dialogue) and dialogue.phase() == "held", programme.follow_up,
            gettext_lazy("The follow-up meeting is prepared as a draft."),
        ),
        Step(
            "copy", gettext_lazy("Copy as a template"),
            gettext_lazy("A draft with the sessions, aims and prepared questions; without people, papers and recordings."),
            gettext_lazy("Copy"), forms_of.CopyForm, lambda _dialogue: True, programme.copy_as_template,
            gettext_lazy("The copy is a draft."),
        ),
    )
}  # fmt: skip


# People -----------------------------------------------------------------------------------------------------------


@admin.register(Person)
class PersonAdmin(EventHistory):
    history_name = "name"
    list_display = ("name", "pronunciation", "parts", "is_example")
    list_filter = ("is_example",)
    search_fields = ("name", "=slug")
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012  Django's own form
    fields = ("name", "slug", "pronunciation", "is_example")
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(part_count=models.Count("participations"))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    @admin.display(description=gettext_lazy("parts"), ordering="part_count")
    def parts(self, person: Any) -> int:
        return int(person.part_count)


# The rows below the form -----------------------------------------------------------------------------------------


class Rows(admin.StackedInline):
    """Rows below the form: texts of two lines, times in the event's zone, codes as check boxes."""

    formset = forms_of.Numbered
    extra = 0
    view_on_site = False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.DateTimeField):
            return db_field.formfield(form_class=forms_of.LocalTime)
        if isinstance(db_field, ArrayField):
            return forms.MultipleChoiceField(
                choices=db_field.base_field.choices or (),
                widget=forms.CheckboxSelectMultiple,
                label=capfirst(db_field.verbose_name),
                required=False,
            )
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        code = getattr(db_field, "language", None)
        if isinstance(getattr(field, "widget", None), forms.Textarea):
            field.widget.attrs |= ROW_TEXTS
        if field is not None and isinstance(code, str) and hasattr(db_field, "translated_field"):
            field.widget.attrs |= {"lang": language_tag(code), "dir": "rtl" if code == "ar" else "ltr"}
            field.label = capfirst(db_field.translated_field.verbose_name)
            if code != "en":
                field.label = _("%(field)s (%(language)s)") % {
                    "field": field.label,
                    "language": dict(settings.LANGUAGES)[code],
                }
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = forms_of.KnownAutocomplete(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SessionInline(Rows):
    model = Session
    form = forms_of.SessionForm
    formset = forms_of.SessionFormSet
    prepopulated_fields = {"slug": ("title_en",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("state_badge",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("position", "kind", "state_badge"), ("title_en", "slug"), ("starts_at", "ends_at", "room"), "letter",
                )
            },
        ),
        (
            gettext_lazy("Summary, languages, notes for the run of show"),
            {"fields": ("summary_en", "languages", "notes", "recording_url"), "classes": ("collapse",)},
        ),
        (
            gettext_lazy("Title and summary in other languages"),
            {
                "fields": [f"{field}_{column}" for column in OTHER_LANGUAGES for field in ("title", "summary")],
                "classes": ("collapse",),
            },
        ),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("state"))
    def state_badge(self, session: Session) -> str:
        families = {"draft": "warning", "published": "success", "cancelled": "danger"}
        return badge(families[session.state], session.get_state_display())


class ParticipationInline(Rows):
    model = Participation
    form = forms_of.ParticipationForm
    verbose_name_plural = gettext_lazy("People and their parts")
    autocomplete_fields = ("person", "entity")
    fields = (
        ("person", "entity", "session"),
        ("role", "position", "sector", "minutes"),
        ("title_then", "entity_then", "on_behalf_of"),
        ("source_url", "is_reported"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("person", "entity", "session", "dialogue")


class AimInline(Rows):
    form = forms_of.AimForm
    autocomplete_fields = ("owner",)
    fieldsets = (
        (None, {"fields": ("position", "text_en", ("owner", "due_on", "source_url"))}),
        (
            gettext_lazy("In other languages"),
            {"fields": [f"text_{column}" for column in OTHER_LANGUAGES], "classes": ("collapse",)},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("owner")


class DesiredOutputInline(AimInline):
    model = DesiredOutput


class ExpectedOutcomeInline(AimInline):
    model = ExpectedOutcome


# The screen ---------------------------------------------------------------------------------------------------------


class PhaseFilter(admin.SimpleListFilter):
    title = gettext_lazy("phase")
    parameter_name = "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("soon", _("Drafts that begin within 30 days")),
            ("held-back", _("With sessions that are held back")),
            ("upcoming", _("Upcoming")),
            ("live", _("Live")),
            ("held", _("Held")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if chosen == "soon":
            return drafts_soon(queryset)
        if chosen == "held-back":
            return with_held_back_sessions(queryset)
        return getattr(queryset.public(), chosen)() if chosen in {"upcoming", "live", "held"} else queryset


def drafts_soon(rows: Any) -> Any:
    return rows.filter(status="draft", starts_at__gte=timezone.now(), starts_at__lte=timezone.now() + SOON)


def with_held_back_sessions(rows: Any) -> Any:
    held_back = Session.objects.filter(state="draft").values("dialogue")
    return rows.public().exclude(status="cancelled").filter(ends_at__gt=timezone.now(), pk__in=held_back)


@admin.register(Dialogue)
class DialogueAdmin(EventHistory, LanguageTabs):
    form = forms_of.DialogueForm
    change_form_template = "admin/dialogue/dialogue/change_form.html"
    history_name = "title_en"
    history_related = (
        (Session, "dialogue_id"),
        (Participation, "dialogue_id"),
        (DesiredOutput, "dialogue_id"),
        (ExpectedOutcome, "dialogue_id"),
    )
    inlines = (SessionInline, ParticipationInline, DesiredOutputInline, ExpectedOutcomeInline)
    list_display = ("titled", "phase", "begins", "kind_label", "place", "is_example")
    list_display_links = ("titled",)
    list_filter = (PhaseFilter, "kind", "is_example")
    search_fields = (*translated("title", "theme"), "=slug")
    ordering = ("-starts_at",)
    autocomplete_fields = ("country", "organizers", "follows")
    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012  Django's own form
    readonly_fields = ("published_at", "published_by", "sequence", "created_at", "modified_at")
    view_on_site = False
    save_on_top = True
    fieldsets = (
        (None, {"fields": (("kind", "mode"), "letter", "organizers")}),
        (
            gettext_lazy("When"),
            {"fields": (("time_zone", "precision"), ("starts_at", "ends_at"))},
        ),
        *language_fieldsets("title", "theme", "overview", "place", "venue", "room", "host_event", "moderator_reason"),
        (gettext_lazy("Where"), {"fields": ("country", ("host_event_url", "host_session_number"))}),
        (
            gettext_lazy("Languages and access"),
            {"fields": ("working_languages", "interpretation", "is_captioned", "webcast_url", "recording_url")},
        ),
        (
            gettext_lazy("Registration and questions"),
            {
                "fields": (
                    ("registration_opens_at", "registration_closes_at"),
                    ("capacity_on_site", "capacity_online"),
                    ("questions_open_at", "questions_close_at"),
                ),
                "description": gettext_lazy("Empty: there is none."),
            },
        ),
        (
            gettext_lazy("Record"),
            {
                "fields": (
                    "slug", ("follows", "round"), ("source_url", "source_name"), "is_example",
                    ("published_at", "published_by", "sequence"), ("created_at", "modified_at"),
                )
            },
        ),
    )  # fmt: skip

    # The list ----------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("title"), ordering="title")
    def titled(self, dialogue: Dialogue) -> str:
        return name_of(dialogue.title)

    @admin.display(description=gettext_lazy("phase"))
    def phase(self, dialogue: Dialogue) -> str:
        return self.badge_of(dialogue)

    @staticmethod
    def badge_of(dialogue: Dialogue) -> str:
        if not dialogue.is_public:
            return badge(PHASES["draft"], dialogue.get_status_display())
        return badge(PHASES[dialogue.phase()], dialogue.phase_label)

    @admin.display(description=gettext_lazy("begins"), ordering="starts_at")
    def begins(self, dialogue: Dialogue) -> str:
        words = when(dialogue)
        return words.words if words else ""

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_label(self, dialogue: Dialogue) -> str:
        return dialogue.get_kind_display()

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        here = reverse("admin:dialogue_dialogue_changelist")
        yield Waiting(
            _("Dialogues to publish"), drafts_soon(Dialogue.objects.all()).count(), f"{here}?phase=soon",
            _("Drafts that begin within 30 days."),
        )  # fmt: skip
        of = with_held_back_sessions(Dialogue.objects.all())
        yield Waiting(
            _("Sessions held back"), Session.objects.filter(state="draft", dialogue__in=of).count(),
            f"{here}?phase=held-back", _("Of dialogues that are live or to come."),
        )  # fmt: skip

    # Who may -------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the public reads is changed only by those who may publish."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_public or permissions.can_publish(request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was once published keeps its address: it is cancelled, not deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # a dialogue is looked at by itself

    # The form ------------------------------------------------------------------------------------------

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.DateTimeField):
            return db_field.formfield(form_class=forms_of.LocalTime)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A slug is proposed once; afterwards it is an address that others keep."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, SessionInline):
            zone = forms_of.zone_of(obj, request.POST.get("time_zone", ""))
            kwargs["form_kwargs"] = {"zone": zone, "letters": list(Letter.objects.all())}
        if isinstance(inline, ParticipationInline):
            kwargs["form_kwargs"] = {"sessions": list(obj.sessions.all()) if obj and obj.pk else []}
        return dict(kwargs)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        dialogue = kwargs.get("obj")
        if dialogue is not None and dialogue.pk:
            saved = Dialogue.objects.get(pk=dialogue.pk)
            may_publish = permissions.can_publish(request.user)
            context |= {
                "badge": self.badge_of(saved),
                "when": when(saved),
                "balance": balance(saved),
                "steps": [step for step in STEPS.values() if may_publish and step.is_open(saved)],
                "desk_link": desk.link(saved) if permissions.can_moderate(request.user) else "",
                "may_check_in": saved.is_public and permissions.can_check_in(request.user),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    # Saving --------------------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """All in the event's zone; when it is saved, on the row as it is now, which nobody else changes meanwhile."""
        number = int(object_id) if object_id and object_id.isdecimal() else 0
        dialogue = Dialogue.objects.filter(pk=number).first()
        try:
            with timezone.override(forms_of.zone_of(dialogue)), transaction.atomic():
                if request.method == "POST" and dialogue is not None:
                    Dialogue.objects.select_for_update(of=("self",), no_key=True).get(pk=number)
                response = super().changeform_view(request, object_id, form_url, extra_context)
                if isinstance(response, TemplateResponse):
                    response.render()
                return response
        except IntegrityError:
            messages.error(request, _("Nothing was saved: somebody else has just changed this dialogue. Try again."))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Dialogue, form: Any, change: bool) -> None:
        """What is moved in time is rescheduled, unless it was over: then an error is corrected."""
        before = Dialogue.objects.filter(pk=obj.pk).first() if change else None
        if before is not None and before.starts_at != obj.starts_at:
            obj.previous_starts_at = before.starts_at if before.is_public else None
            if before.status == Dialogue.Status.CONFIRMED and before.ends_at > timezone.now():
                obj.status = Dialogue.Status.RESCHEDULED
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        programme.freeze(dialogue=form.instance)
        self._give_places(form)
        self._warn(request, form.instance)

    def _changeform_view(self, request: HttpRequest, object_id: str | None, *args: Any) -> HttpResponse:
        """What the public sees differently afterwards is noted, whichever row of the form it was."""
        if request.method != "POST" or object_id is None:
            return super()._changeform_view(request, object_id, *args)  # type: ignore[misc]
        dialogue = Dialogue.objects.filter(pk=int(object_id) if object_id.isdecimal() else 0).first()
        if dialogue is None:
            return super()._changeform_view(request, object_id, *args)  # type: ignore[misc]
        user: Any = request.user
        with changes.recorded(dialogue, by=user), programme.checked_at_the_end():
            return super()._changeform_view(request, object_id, *args)  # type: ignore[misc]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Two sessions may change rooms: then both leave theirs first."""
        if formset.model is not Session:
            super().save_formset(request, form, formset, change)
            return
        try:
            with transaction.atomic():
                super().save_formset(request, form, formset, change)
        except IntegrityError:
            changed = [row.instance.pk for row in formset.initial_forms if row.has_changed()]
            Session.objects.filter(pk__in=changed).update(room="")
            super().save_formset(request, form, formset, change)

    @staticmethod
    def _give_places(form: Any) -> None:
        """More places go to those who wait."""
        if {"capacity_on_site", "capacity_online", "mode"} & set(form.changed_data):
            from dialogue.actions import attendance  # noqa: PLC0415  needed here alone

            transaction.on_commit(partial(attendance.fill_places, dialogue=form.instance))

    @staticmethod
    def _warn(request: HttpRequest, dialogue: Dialogue) -> None:
        """Of what the database allows and nobody wants."""
        sessions = list(dialogue.sessions.all())
        for one, other in publish_check.clashes_of_rooms(sessions, dialogue.room or ""):
            text = _("The sessions “%(one)s” and “%(other)s” are in one room at the same time.")
            messages.warning(request, text % {"one": one, "other": other})
        parts = dialogue.participations.select_related("person")
        for part, one, other in publish_check.clashes_of_people(parts, {row.pk: row for row in sessions}):
            text = _("%(name)s has a part in “%(one)s” and in “%(other)s” at the same time.")
            messages.warning(request, text % {"name": part.name, "one": one, "other": other})
        for mode, places in (("on-site", dialogue.capacity_on_site), ("online", dialogue.capacity_online)):
            taken = dialogue.attendances.seated().filter(mode=mode).count() if places is not None else 0
            if places is not None and taken > places:
                text = ngettext(
                    "%(taken)d place is taken already; nobody loses it.",
                    "%(taken)d places are taken already; nobody loses one.",
                    taken,
                )
                messages.warning(request, text % {"taken": taken})

    # Steps ---------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/step/<slug:name>/", view(self.step_view), name="dialogue_dialogue_step"),
            *super().get_urls(),
        ]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """The page that asks before a step; sent, the step itself. What is refused shows the page again with the reason."""
        dialogue, step = self.get_object(request, str(pk)), STEPS.get(name)
        if dialogue is None or step is None:
            raise Http404
        if not permissions.can_publish(request.user):
            raise PermissionDenied
        change_page = reverse("admin:dialogue_dialogue_change", args=[pk])
        if not step.is_open(dialogue):
            messages.error(request, _("This step is not open any more."))
            return HttpResponseRedirect(change_page)
        form = step.form(request.POST if request.method == "POST" else None, dialogue=dialogue)
        if form.is_valid():
            made = self._take(request, step, dialogue, form)
            if made is not None:
                messages.success(request, str(step.done))
                return HttpResponseRedirect(reverse("admin:dialogue_dialogue_change", args=[made]))
        return self._ask(request, step, dialogue, form)

    def _take(self, request: HttpRequest, step: Step, dialogue: Dialogue, form: forms_of.StepForm) -> int | None:
        """The key of the dialogue to go on with; None if the step was refused, which the form then says."""
        user: Any = request.user
        try:
            with transaction.atomic():
                made = step.act(dialogue=dialogue, by=user, **form.cleaned_data)
        except ValidationError as error:
            in_form = hasattr(error, "error_dict") and set(error.error_dict) <= {*form.fields, "__all__"}
            form.add_error(None, error if in_form else ValidationError(error.messages))
            return None
        except IntegrityError:
            form.add_error(None, _("Nothing was saved: somebody else has just changed this dialogue. Try again."))
            return None
        return made.pk if isinstance(made, Dialogue) else dialogue.pk

    def _ask(self, request: HttpRequest, step: Step, dialogue: Dialogue, form: forms_of.StepForm) -> HttpResponse:
        findings = publish_check.check(dialogue) if step.name.startswith("publish") else None
        every = [session.pk for session in dialogue.sessions.all()]
        may_act = step.name != "publish" or not publish_check.blocks(dialogue, without=every)
        context = {
            **self.admin_site.each_context(request),
            "title": step.title,
            "dialogue": dialogue,
            "when": when(dialogue),
            "badge": self.badge_of(dialogue),
            "step": step,
            "form": form,
            "findings": findings,
            "block_count": sum(finding.blocks for finding in findings or []),
            "may_act": may_act,
            "opts": self.opts,
            "media": self.media + form.media,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/dialogue/dialogue/step.html", context, status=status)
