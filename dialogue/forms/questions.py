"""Asking, answering in writing, and what the moderator's desk sends."""

import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import get_language, gettext_lazy

from coalition.models import Entity
from dialogue.models import Dialogue, Participation, Question, Session

MOST_CHARACTERS, MOST_OF_AN_ANSWER = 2_000, 10_000


class WordsField(forms.CharField):
    """Lines of visible characters: what hides in text or turns its direction is taken out."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        kept = "".join(
            character
            for character in text
            if unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs"} or character in "\n\u200c\u200d"
        )
        return kept.strip() or self.empty_value


class LanguageField(forms.ChoiceField):
    """One of the six, at first the reader's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=settings.LANGUAGES, initial=get_language, **kwargs)


class AskForm(forms.Form):
    text = WordsField(
        label=gettext_lazy("Your question"),
        max_length=MOST_CHARACTERS,
        help_text=gettext_lazy("At most 2,000 characters. One question at a time is answered soonest."),
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Write your question.")},
    )
    language = LanguageField(label=gettext_lazy("In which language you wrote it"))
    session = forms.ModelChoiceField(
        Session.objects.none(),
        label=gettext_lazy("About which session"),
        required=False,
        empty_label=gettext_lazy("The whole dialogue"),
    )
    is_named = forms.BooleanField(
        label=gettext_lazy("Show my name and organization with the question"),
        required=False,
        help_text=gettext_lazy("Otherwise it stands there as asked by a participant."),
    )

    def __init__(self, *args: Any, sessions: QuerySet[Session], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["session"]
        field.queryset = sessions
        if not field.queryset:  # evaluated once, for the choices too
            del self.fields["session"]


class AnswerForm(forms.Form):
    """A written answer for an entity; with one entity only there is nothing to choose."""

    entity = forms.ModelChoiceField(Entity.objects.none(), label=gettext_lazy("For which entity"), empty_label=None)
    text = WordsField(
        label=gettext_lazy("Answer"),
        max_length=MOST_OF_AN_ANSWER,
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Write the answer.")},
    )
    language = LanguageField(label=gettext_lazy("In which language you wrote it"))
    source_url = forms.URLField(
        label=gettext_lazy("Source"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy("The address of a page or document that readers can check."),
    )

    def __init__(self, *args: Any, entities: list[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["entity"]
        field.queryset = Entity.objects.filter(pk__in=[entity.pk for entity in entities])
        field.initial = entities[0].pk
        if len(entities) == 1:
            field.widget = field.hidden_widget()


# The moderator's desk -------------------------------------------------------------------------------------------


class DeskForm(forms.Form):
    """Which question, and the state in which the page showed it."""

    question = forms.UUIDField()
    seen = forms.CharField(max_length=30, required=False)


class DeclineForm(forms.Form):
    reason = WordsField(
        label=gettext_lazy("Reason"),
        max_length=1_000,
        help_text=gettext_lazy("The asker reads it; so does the public if the question was public."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": gettext_lazy("Give a reason.")},
    )

    def __init__(self, *args: Any, dialogue: Dialogue, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class QuestionChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} ({obj.get_state_display()})"


class MergeForm(forms.Form):
    into = QuestionChoice(
        Question.objects.none(),
        label=gettext_lazy("Merge into"),
        empty_label=None,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("The question that stays. It credits everyone who asked."),
        error_messages={"required": gettext_lazy("Choose the question that stays.")},
    )

    def __init__(self, *args: Any, dialogue: Dialogue, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        into: Any = self.fields["into"]
        states = ["published", "on-stage", "answered", "answered-in-writing"]
        into.queryset = Question.objects.filter(dialogue=dialogue, state__in=states).exclude(pk=question.pk)


class PartChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return ", ".join(dict.fromkeys(text for text in (obj.name, obj.entity_name, obj.get_role_display()) if text))


class AnsweredForm(forms.Form):
    participation = PartChoice(
        Participation.objects.none(),
        label=gettext_lazy("Answered by"),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose who answered.")},
    )
    text = WordsField(
        label=gettext_lazy("What was answered, in a sentence or two"),
        max_length=MOST_OF_AN_ANSWER,
        required=False,
        help_text=gettext_lazy("A note for the staff, who complete and publish the answer."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    language = LanguageField(label=gettext_lazy("In which language you wrote it"))

    def __init__(self, *args: Any, dialogue: Dialogue, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parts = Participation.objects.filter(dialogue=dialogue).select_related("person", "entity")
        field: Any = self.fields["participation"]
        field.queryset = _one_a_person(parts, question)


def _one_a_person(parts: QuerySet[Participation], question: Question) -> QuerySet[Participation]:
    """A person with several parts is offered once, with the part in the question's session first of all."""
    chosen: dict[Any, int] = {}
    rows = sorted(parts, key=lambda part: (part.session_id != question.session_id, part.position, part.pk))
    for part in rows:
        chosen.setdefault((part.person_id, part.entity_id if part.person_id is None else None), part.pk)
    return parts.filter(pk__in=chosen.values()).order_by("position", "pk")
