"""Questions and answers in the back office: moderation, handing on, publishing answers."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget, AutocompleteSelect
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy, ngettext_lazy

from coalition.admin import Confirms, badge, given
from coalition.models import Entity
from dialogue import desk, permissions
from dialogue.actions import questions as actions
from dialogue.models import Answer, Dialogue, Participation, Question, Session
from dialogue.questions import FAMILIES
from ewaste_portal import vocabularies
from ewaste_portal.workplace import (
    EventHistory,
    Exports,
    FileResource,
    LanguageTabs,
    Waiting,
    language_fieldsets,
    translated,
)

TEXTS = translated("text")


class QuestionFile(FileResource):
    class Meta:
        model = Question
        import_id_fields = ("uid",)
        fields = (
            "uid", "dialogue__slug", "session__slug", "origin", "state", "language", *TEXTS, "asked_by", "asked_for",
            "entity__slug", "answer_by", "reason", "merged_into__uid", "created_at", "published_at", "moderated_at",
            "moderated_by",
        )  # fmt: skip


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("The asker reads it; so does the public if the question was public."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


class IntoForm(forms.Form):
    into = forms.ModelChoiceField(
        Question.objects.none(),
        label=gettext_lazy("Merge into"),
        help_text=gettext_lazy("The question that stays. It credits everyone who asked."),
    )

    def __init__(self, *args: Any, going: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        into: Any = self.fields["into"]
        into.queryset = Question.objects.filter(
            dialogue__in=going.values("dialogue"), state__in=[*actions.OPEN, *actions.ANSWERED]
        ).exclude(pk__in=going.values("pk"))


class HandOnForm(forms.Form):
    entity = forms.ModelChoiceField(Entity.objects.public(), label=gettext_lazy("To which entity"))
    answer_by = forms.DateField(label=gettext_lazy("To be answered by"), widget=AdminDateWidget)

    def __init__(self, *args: Any, admin_site: admin.AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entity: Any = self.fields["entity"]
        entity.widget = AutocompleteSelect(Question._meta.get_field("entity"), admin_site)
        entity.widget.choices = entity.choices


class OverdueFilter(admin.SimpleListFilter):
    title = gettext_lazy("handed on")
    parameter_name = "handed_on"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Handed on, not answered")), ("late", _("Overdue"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        handed_on = queryset.filter(answer_by__isnull=False, state__in=actions.OPEN)
        if self.value() == "late":
            return handed_on.filter(answer_by__lt=timezone.localdate())
        return handed_on if self.value() == "yes" else queryset


@admin.register(Question)
class QuestionAdmin(Exports, Confirms, EventHistory, LanguageTabs):
    resource_classes = (QuestionFile,)
    history_name = "text_en"
    list_display = ("words", "state_badge", "dialogue", "session", "asker", "supporters", "created_at")
    list_display_links = ("words",)
    list_select_related = ("dialogue", "session")
    list_filter = (
        ("state", admin.ChoicesFieldListFilter), "origin", "language", OverdueFilter, "dialogue",
    )  # fmt: skip
    search_fields = (*TEXTS, "asked_by", "asked_for")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    list_per_page = 50
    autocomplete_fields = ("entity",)
    view_on_site = False
    actions = ("publish", "decline", "merge", "unmerge", "take_back", "reopen", "hand_on")
    readonly_fields = (
        "state", "reason", "merged_into", "asker", "created_at", "published_at", "moderated_at", "moderated_by",
        "modified_at", "desk_link",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("dialogue", "session", "origin", "position", "language")}),
        *language_fieldsets("text"),
        (gettext_lazy("Who asked"), {"fields": ("asked_by", "asked_for", "entity", "answer_by")}),
        (
            gettext_lazy("Moderation"),
            {"fields": ("state", "reason", "merged_into", "published_at", ("moderated_at", "moderated_by"), "desk_link")},
        ),
        (gettext_lazy("Record"), {"fields": (("created_at", "modified_at"),)}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.with_support()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What a participant wrote stays as it was written; staff add translations."""
        fields = list(super().get_readonly_fields(request, obj))
        if obj is not None:
            fields.append("dialogue")
        if obj is not None and obj.origin == Question.Origin.ASKED:
            fields += ["origin", "language", f"text_{vocabularies.COLUMNS[obj.language]}", "asked_by", "asked_for"]
        return fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "session" and request.resolver_match and "object_id" in request.resolver_match.kwargs:
            pk = request.resolver_match.kwargs["object_id"]
            kwargs["queryset"] = (
                Session.objects.filter(dialogue__questions=int(pk)) if pk.isdecimal() else Session.objects.none()
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return permissions.can_moderate(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was asked by a participant is declined, and what was public stays: neither is deleted."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or (obj.origin == Question.Origin.PREPARED and obj.state == "pending"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Many at once would pass by what has_delete_permission looks at."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    @admin.display(description=gettext_lazy("question"))
    def words(self, question: Question) -> str:
        return format_html("<bdi>{}</bdi>", question)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, question: Question) -> str:
        families = {**FAMILIES, "pending": "warning", "published": "success"}
        return badge(families.get(question.state, "quiet"), question.get_state_display())

    @admin.display(description=gettext_lazy("asked by"))
    def asker(self, question: Question) -> str:
        if question.origin == Question.Origin.PREPARED:
            return question.get_origin_display()
        names = ", ".join(text for text in (question.asked_by, question.asked_for) if text)
        return format_html("<bdi>{}</bdi>", names or _("A participant"))

    @admin.display(description=gettext_lazy("supporters"), ordering="support_count")
    def supporters(self, question: Question) -> int:
        return int(question.support_count)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("moderator's desk"))
    def desk_link(self, question: Question) -> str:
        return desk_address(question.dialogue) if question.pk else "–"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The link of the desk is a key: only for those who may moderate."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and self.has_moderate_permission(request):
            return fieldsets
        hide = {"desk_link"} if obj is not None else {
            "desk_link", "state", "reason", "merged_into", "published_at", "moderated_at", "moderated_by", "created_at",
            "modified_at",
        }  # fmt: skip
        kept = [(name, {**options, "fields": _without(options["fields"], hide)}) for name, options in fieldsets]
        return [(name, options) for name, options in kept if options["fields"]]

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        here = reverse("admin:dialogue_question_changelist")
        yield Waiting(
            _("Questions to moderate"), Question.objects.pending().count(), f"{here}?state__exact=pending",
            _("Asked or prepared, not published yet."),
        )  # fmt: skip
        late = Question.objects.filter(answer_by__lt=timezone.localdate(), state__in=actions.OPEN).count()
        yield Waiting(
            _("Answers overdue"), late, f"{here}?handed_on=late", _("Handed on to an entity; the day has passed.")
        )

    @admin.action(description=gettext_lazy("Publish"), permissions=["moderate"])
    def publish(self, request: HttpRequest, queryset: Any) -> None:
        user: Any = request.user
        done = ngettext_lazy("%(count)d question was published.", "%(count)d questions were published.", "count")
        self.each(request, queryset, lambda row: actions.publish(question=row, by=user), done)

    @admin.action(description=gettext_lazy("Decline…"), permissions=["moderate"])
    def decline(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = ReasonForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="decline", title=_("Decline questions"), button=_("Decline"),
                explanation=_("Whoever asked is told the reason by mail."),
            )  # fmt: skip
        user: Any = request.user
        reason = form.cleaned_data["reason"]
        done = ngettext_lazy("%(count)d question was declined.", "%(count)d questions were declined.", "count")
        self.each(request, queryset, lambda row: actions.decline(question=row, by=user, reason=reason), done)
        return None

    @admin.action(description=gettext_lazy("Merge into another question…"), permissions=["moderate"])
    def merge(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = IntoForm(given(request), going=self.model._default_manager.filter(pk__in=[row.pk for row in queryset]))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="merge", title=_("Merge questions"), button=_("Merge"),
                explanation=_("One question stays and credits everyone who asked; support counts together."),
            )  # fmt: skip
        user: Any = request.user
        into = form.cleaned_data["into"]
        done = ngettext_lazy("%(count)d question was merged.", "%(count)d questions were merged.", "count")
        self.each(request, queryset, lambda row: actions.merge(question=row, into=into, by=user), done)
        return None

    @admin.action(description=gettext_lazy("Undo a merge"), permissions=["moderate"])
    def unmerge(self, request: HttpRequest, queryset: Any) -> None:
        user: Any = request.user
        done = ngettext_lazy(
            "%(count)d question stands for itself.", "%(count)d questions stand for themselves.", "count"
        )
        self.each(request, queryset, lambda row: actions.unmerge(question=row, by=user), done)

    @admin.action(description=gettext_lazy("Take back to moderation"), permissions=["moderate"])
    def take_back(self, request: HttpRequest, queryset: Any) -> None:
        user: Any = request.user
        done = ngettext_lazy("%(count)d question was taken back.", "%(count)d questions were taken back.", "count")
        self.each(request, queryset, lambda row: actions.take_back(question=row, by=user), done)

    @admin.action(description=gettext_lazy("Open again"), permissions=["moderate"])
    def reopen(self, request: HttpRequest, queryset: Any) -> None:
        user: Any = request.user
        done = ngettext_lazy("%(count)d question is open again.", "%(count)d questions are open again.", "count")
        self.each(request, queryset, lambda row: actions.reopen(question=row, by=user), done)

    @admin.action(description=gettext_lazy("Hand on to an entity…"), permissions=["moderate"])
    def hand_on(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = HandOnForm(given(request), admin_site=self.admin_site)
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="hand_on", title=_("Hand questions on"), button=_("Hand on"),
                explanation=_("The entity's focal points are asked by mail; the page names the entity and the day."),
            )  # fmt: skip
        user: Any = request.user
        done = ngettext_lazy("%(count)d question was handed on.", "%(count)d questions were handed on.", "count")
        self.each(request, queryset, lambda row: actions.hand_on(question=row, by=user, **form.cleaned_data), done)
        return None


def _without(fields: Any, hidden: set[str]) -> list[Any]:
    kept: list[Any] = []
    for field in fields:
        if isinstance(field, tuple):
            kept += [inner for inner in [tuple(name for name in field if name not in hidden)] if inner]
        elif field not in hidden:
            kept.append(field)
    return kept


def desk_address(dialogue: Dialogue) -> str:
    """The link of the moderator's desk, to be copied. A dash while the dialogue is not published."""
    address = desk.link(dialogue)
    if not address:
        return "–"
    return format_html('<a href="{}" rel="noreferrer"><code dir="ltr">{}</code></a>', address, address)


# Answers ------------------------------------------------------------------------------------------------------


class AnswerEditForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        question = data.get("question") or (self.instance.question if self.instance.question_id else None)
        part, day = data.get("participation"), data.get("given_on")
        if question and part and part.dialogue_id != question.dialogue_id:
            self.add_error("participation", _("This part belongs to another dialogue."))
        if question and day and day > timezone.localdate(timezone=question.dialogue.zone):
            self.add_error("given_on", _("The day of an answer must not lie in the future."))
        return data


class InWritingForm(forms.Form):
    how = forms.ChoiceField(
        label=gettext_lazy("How it was given"),
        choices=[
            ("", gettext_lazy("As the answer tells: by an entity alone in writing, else in the meeting")),
            ("spoken", gettext_lazy("In the meeting")),
            ("written", gettext_lazy("In writing")),
        ],
        required=False,
    )


class PublishedFilter(admin.SimpleListFilter):
    title = gettext_lazy("published")
    parameter_name = "published"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("Draft")), ("yes", _("Published"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(published_at__isnull=self.value() == "no") if self.value() in {"no", "yes"} else queryset


@admin.register(Answer)
class AnswerAdmin(Confirms, EventHistory, LanguageTabs):
    form = AnswerEditForm
    history_name = "text_en"
    list_display = ("words", "state_badge", "who", "question_words", "given_on")
    list_display_links = ("words",)
    list_select_related = ("question__dialogue", "participation__person", "participation__entity", "entity")
    list_filter = (PublishedFilter, "language", "question__dialogue")
    search_fields = (*TEXTS, *(f"question__{column}" for column in TEXTS), "participation__person__name")
    date_hierarchy = "given_on"
    ordering = ("-created_at",)
    list_per_page = 50
    autocomplete_fields = ("question", "entity")
    view_on_site = False
    actions = ("publish", "withdraw")
    readonly_fields = ("written_by", "published_at", "published_by", "created_at", "modified_at")
    fieldsets = (
        (None, {"fields": ("question", "participation", "entity", "given_on", "language")}),
        *language_fieldsets("text"),
        (gettext_lazy("Where it can be checked"), {"fields": ("recording_second", "source_url")}),
        (gettext_lazy("Record"), {"fields": ("written_by", ("published_at", "published_by"), ("created_at", "modified_at"))}),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "question")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "participation":
            kwargs["queryset"] = _parts(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return permissions.can_moderate(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A published answer is cited: it is withdrawn first."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.published_at is None)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.written_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("answer"))
    def words(self, answer: Answer) -> str:
        return format_html("<bdi>{}</bdi>", answer)

    @admin.display(description=gettext_lazy("question"))
    def question_words(self, answer: Answer) -> str:
        return format_html("<bdi>{}</bdi>", answer.question)

    @admin.display(description=gettext_lazy("given by"))
    def who(self, answer: Answer) -> str:
        return format_html("<bdi>{}</bdi>", answer.given_by)

    @admin.display(description=gettext_lazy("state"), ordering="published_at")
    def state_badge(self, answer: Answer) -> str:
        return badge("success", _("Published")) if answer.published_at else badge("warning", _("Draft"))

    def what_waits(self, request: HttpRequest) -> Iterator[Waiting]:
        here = reverse("admin:dialogue_answer_changelist")
        count = Answer.objects.filter(published_at__isnull=True).count()
        yield Waiting(_("Answers to publish"), count, f"{here}?published=no", _("Drafts of the desk and of entities."))

    @admin.action(description=gettext_lazy("Publish…"), permissions=["moderate"])
    def publish(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        form = InWritingForm(given(request))
        if not form.is_valid():
            return self.ask(
                request, queryset, form, action="publish", title=_("Publish answers"), button=_("Publish"),
                explanation=_("They appear with the questions, and everyone who asked is told by mail."),
            )  # fmt: skip
        user: Any = request.user
        in_writing = {"spoken": False, "written": True}.get(form.cleaned_data["how"])
        done = ngettext_lazy("%(count)d answer was published.", "%(count)d answers were published.", "count")
        self.each(
            request, queryset, lambda row: actions.publish_answer(answer=row, by=user, in_writing=in_writing), done
        )
        return None

    @admin.action(description=gettext_lazy("Withdraw to a draft"), permissions=["moderate"])
    def withdraw(self, request: HttpRequest, queryset: Any) -> None:
        user: Any = request.user
        done = ngettext_lazy("%(count)d answer is a draft again.", "%(count)d answers are drafts again.", "count")
        self.each(request, queryset, lambda row: actions.withdraw_answer(answer=row, by=user), done)


def _parts(request: HttpRequest) -> Any:
    """Of the dialogue of the answer's question, where it is known; else all, the latest dialogue first."""
    rows = Participation.objects.select_related("person", "entity", "dialogue").order_by(
        "-dialogue__starts_at", "position"
    )
    match = request.resolver_match
    number = match.kwargs.get("object_id", "") if match else ""
    if number.isdecimal():
        return rows.filter(dialogue__questions__answers=int(number))
    question = request.GET.get("question", "")
    return rows.filter(dialogue__questions=int(question)) if question.isdecimal() else rows
