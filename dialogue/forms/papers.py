"""Statements as focal points write them, documents as staff keep them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _, gettext_lazy

from coalition import files
from coalition.forms.workspace import LineField
from coalition.models import Entity
from dialogue.forms.programme import LocalTime
from dialogue.models import Dialogue, Document, Session, Statement
from ewaste_portal import vocabularies

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

LANGUAGES_FIRST = ("ar", "zh", "en", "fr", "ru", "es")  # of the United Nations; other codes follow


class StatementForm(forms.Form):
    """A text in Markdown, a PDF, or both. Saved by actions.papers.write."""

    entity = forms.ModelChoiceField(Entity.objects.none(), label=gettext_lazy("Entity"))
    session = forms.ModelChoiceField(
        Session.objects.none(), label=gettext_lazy("Session"), required=False,
        empty_label=gettext_lazy("The dialogue as a whole"),
    )  # fmt: skip
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), help_text=gettext_lazy("In which the statement is written.")
    )
    title = LineField(label=gettext_lazy("Title"), max_length=200)
    text = forms.CharField(
        label=gettext_lazy("Text"), required=False, max_length=30_000, widget=forms.Textarea(attrs={"rows": 16}),
        help_text=gettext_lazy("Plain text; an empty line begins a paragraph, *stars* emphasize, - begins a list (Markdown)."),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("File"), required=False, widget=forms.FileInput(attrs={"accept": "application/pdf"}),
        help_text=gettext_lazy("A PDF of at most 10 MB, instead of the text or as well."),
    )  # fmt: skip
    without_file = forms.BooleanField(label=gettext_lazy("Remove the file"), required=False)

    def __init__(
        self, *args: Any, dialogue: Dialogue, entities: list[Entity], statement: Statement | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.statement = statement
        entity: Any = self.fields["entity"]
        entity.queryset = Entity.objects.filter(pk__in=[row.pk for row in entities])
        entity.label_from_instance = lambda row: row.official_name
        if len(entities) == 1:
            del self.fields["entity"]
        self.only_entity = entities[0] if len(entities) == 1 else None
        session: Any = self.fields["session"]
        session.queryset = Session.objects.public().filter(dialogue=dialogue).in_order()
        language: Any = self.fields["language"]
        codes = [code for code in vocabularies.codes("language") if code not in {*LANGUAGES_FIRST, "zh-hans"}]
        labels = {code: vocabularies.label("language", code) for code in (*LANGUAGES_FIRST, *codes)}
        language.choices = [(code, labels[code]) for code in LANGUAGES_FIRST] + sorted(
            ((code, labels[code]) for code in codes), key=lambda pair: pair[1]
        )
        self.fields["text"].widget.attrs["dir"] = "auto"
        self.fields["title"].widget.attrs["dir"] = "auto"
        if statement is None or not statement.file:
            del self.fields["without_file"]

    def clean_file(self) -> "UploadedFile | None":
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return None
        files.validate_document(file)
        head = file.read(5)
        file.seek(0)
        if head != b"%PDF-":
            raise ValidationError(_("Choose a PDF: this file is a picture."), code="format")
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        keeps = self.statement is not None and bool(self.statement.file) and not data.get("without_file")
        if not (data.get("text", "").strip() or data.get("file") or keeps or {"text", "file"} & set(self.errors)):
            self.add_error("text", _("Write the statement, or upload it as a file."))
        return data

    @property
    def entity_chosen(self) -> Entity:
        found: Entity = self.only_entity or self.cleaned_data["entity"]
        return found


class DocumentForm(forms.ModelForm):
    """In the back office. Saved by actions.papers.keep_document."""

    embargo_until = LocalTime(label=gettext_lazy("Not before"), required=False)

    class Meta:
        model = Document
        fields = ("dialogue",)  # and what the back office adds

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        time = self.fields.get("embargo_until")
        dialogue = self._dialogue()
        if isinstance(time, LocalTime) and dialogue is not None:
            time.zone = dialogue.zone
            time.help_text = _("In the zone of the event: %(zone)s.") % {"zone": dialogue.time_zone}
        elif isinstance(time, LocalTime):
            time.help_text = _("In the zone of the dialogue that you choose.")

    def _dialogue(self) -> Dialogue | None:
        """The one that is being chosen; while the form is only shown, the one that it belongs to."""
        chosen = str(self.data.get("dialogue", ""))
        if chosen.isascii() and chosen.isdecimal() and len(chosen) < 10:
            return Dialogue.objects.filter(pk=chosen).first()
        return self.instance.dialogue if self.instance.pk else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        dialogue, session = data.get("dialogue"), data.get("session")
        if dialogue and session and session.dialogue_id != dialogue.pk:
            self.add_error("session", _("The session belongs to another dialogue."))
        if data.get("file"):
            if not data.get("title_en"):
                self.add_error("title_en", _("A file needs a title."))
            if not data.get("language"):
                self.add_error("language", _("A file needs a language."))
        return data
