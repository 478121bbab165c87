"""What the pages of the back office share: a tab for each language, one value in a line, readable history, safe files."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import tablib
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language_info, gettext as _
from import_export.admin import ExportMixin, ImportExportMixin
from import_export.formats import base_formats
from import_export.resources import Diff, ModelResource
from modeltranslation.admin import TranslationAdmin

from ewaste_portal import history, vocabularies
from ewaste_portal.context import language_tag
from ewaste_portal.tables import is_formula


@dataclass(frozen=True)
class Waiting:
    """One line of the start page: so many of something wait for a person."""

    label: str
    count: int
    url: str
    hint: str = ""


def translated(*fields: str) -> list[str]:
    """The columns of translated fields in all languages."""
    return [f"{field}_{column}" for field in fields for column in vocabularies.COLUMNS.values()]


def language_fieldsets(*fields: str) -> list[tuple[Any, Any]]:
    """A fieldset for each language; static/js/admin-languages.js makes tabs of them."""
    return [
        (
            name,
            {"fields": [f"{field}_{vocabularies.COLUMNS[code]}" for field in fields], "classes": ("language-panel",)},
        )
        for code, name in settings.LANGUAGES
    ]


class Lines(forms.CharField):
    """A list of texts, one in each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class ListFields(admin.ModelAdmin):
    """Draws a list of codes as check boxes and a list of texts as lines."""

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if not isinstance(db_field, ArrayField):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        texts: dict[str, Any] = {
            "label": capfirst(db_field.verbose_name),
            "help_text": db_field.help_text,
            "required": not db_field.blank,
        }
        if db_field.base_field.choices:
            return forms.MultipleChoiceField(
                choices=db_field.base_field.choices, widget=forms.CheckboxSelectMultiple, **texts
            )
        return Lines(widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}), **texts)


class LanguageTabs(ListFields, TranslationAdmin):
    """Inputs of translated columns say their language and direction; the form shows one language at a time."""

    class Media:
        js = (forms.Script("js/admin-languages.js", type="module"),)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        code = getattr(db_field, "language", None)
        if field is not None and hasattr(db_field, "translated_field") and isinstance(code, str):
            field.widget.attrs |= {
                "lang": language_tag(code),
                "dir": "rtl" if get_language_info(code)["bidi"] else "ltr",
            }
            field.label = capfirst(db_field.translated_field.verbose_name)
        return field


class EventHistory(admin.ModelAdmin):
    """The history page shows what the database recorded, field by field, whatever the path of the change."""

    object_history_template = "admin/object_events.html"
    history_related: tuple[tuple[type[Model], str], ...] = ()
    history_name = ""  # the column that names the object in the list of latest changes

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        item = self.get_object(request, object_id)
        if item is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_or_change_permission(request, item):
            raise PermissionDenied
        page = Paginator(history.entries(item, self.history_related), 50).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change history: %(object)s") % {"object": item},
            "page": page,
            "object": item,
            "opts": self.opts,
            "module_name": str(self.opts.verbose_name_plural),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)

    def latest_events(self, limit: int) -> Iterable[Any]:
        event_model: Any = self.model.pgh_event_model
        return event_model.objects.select_related("pgh_context").order_by("-pgh_id")[:limit]


# Files in and out ----------------------------------------------------------------------


def _armoured(cell: Any) -> Any:
    """A cell that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell


def plain_cell(cell: Any) -> Any:
    """The apostrophe of `_armoured` taken off again."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and is_formula(cell[1:]) else cell


class _Armoured:
    """Every exported cell is text: nothing in it can run as a formula."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        safe = tablib.Dataset(*([_armoured(cell) for cell in row] for row in dataset), headers=dataset.headers)
        return super().export_data(safe, **kwargs)  # type: ignore[misc]


class CSVFile(_Armoured, base_formats.CSV):
    pass


class XLSXFile(_Armoured, base_formats.XLSX):
    pass


class PlainDiff(Diff):
    """The difference of two cells as <del> and <ins>, without inline style: the pages forbid it."""

    def as_html(self) -> list[str]:
        return [
            self._cell("" if self.new else str(old), str(new)) for old, new in zip(self.left, self.right, strict=False)
        ]

    @staticmethod
    def _cell(old: str, new: str) -> str:
        if old == new:
            return escape(new)
        before, after = old.split(" "), new.split(" ")
        parts: list[str] = []
        for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            gone, come = " ".join(before[i:j]), " ".join(after[k:m])
            if kind == "equal":
                parts.append(escape(come))
                continue
            parts += [f"<del>{escape(gone)}</del>"] if gone else []
            parts += [f"<ins>{escape(come)}</ins>"] if come else []
        return mark_safe(" ".join(parts))  # noqa: S308  every piece is escaped above


class FileResource(ModelResource):
    """Base of all imports and exports: rows are validated as forms are, and what an export armoured is read back."""

    @classmethod
    def get_diff_class(cls) -> type[Diff]:
        return PlainDiff

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        for column, cell in row.items():
            row[column] = plain_cell(cell.strip() if isinstance(cell, str) else cell)


class Exports(ExportMixin):
    """CSV and XLSX for whoever may see the rows."""

    formats = (CSVFile, XLSXFile)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))


class ImportsAndExports(Exports, ImportExportMixin):
    """All or nothing, after a dry run that shows what would change."""

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_import_data_kwargs(**kwargs), "rollback_on_validation_errors": True}

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        if not (result.has_errors() or result.has_validation_errors()):
            return super().process_result(result, request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Nothing was imported"),
            "opts": self.model._meta,
            "form": self.create_import_form(request),
            "result": result,
            "fields_list": [],
            "import_error_display": self.import_error_display,
        }
        return TemplateResponse(request, [self.import_template_name], context)
