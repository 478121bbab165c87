"""Letters of Intent: texts, languages side by side, versions, signatories."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info, gettext as _, gettext_noop
from django.views.decorators.http import require_safe

from coalition import diff, signatories
from coalition.forms.letters import ReadingForm, SignatoriesForm
from coalition.models import Letter, LetterText
from ewaste_portal import richtext
from ewaste_portal.addresses import absolute
from ewaste_portal.context import language_tag
from ewaste_portal.tables import csv_lines

PER_PAGE = 100
PLACES = (gettext_noop("Geneva"),)  # of shipped letters
COLUMNS = (
    "entity", "entity_as_signed", "signed_on", "signer", "title", "capacity", "method", "code", "verification", "state",
    "ended_on", "source", "made_up_for_the_demonstration",
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A text of a letter as a page shows it."""

    text: LetterText
    is_authentic: bool

    @property
    def code(self) -> str:
        return self.text.language

    @property
    def tag(self) -> str:
        return language_tag(self.code)

    @property
    def name(self) -> str:
        return "中文" if self.code == "zh-hans" else str(get_language_info(self.code)["name_local"]).capitalize()

    @property
    def direction(self) -> str:
        return "rtl" if get_language_info(self.code)["bidi"] else "ltr"

    @property
    def html(self) -> SafeString:
        return richtext.render(self.text.body)


def crumbs(*, letters: bool = True) -> list[tuple[str, str]]:
    found = [(_("Coalition"), reverse("coalition:home"))]
    return [*found, (_("Letters of Intent"), reverse("coalition:letter_list"))] if letters else found


def published_letter(version: str) -> Letter:
    return get_object_or_404(Letter.objects.published().select_related("follows"), version=version)


def readings(letter: Letter) -> dict[str, Reading]:
    """The texts by language, the authentic one first."""
    texts = [Reading(text, text.language == letter.authentic_language) for text in letter.texts.all()]
    return {reading.code: reading for reading in sorted(texts, key=lambda r: (not r.is_authentic, r.code))}


@require_safe
def letter_list(request: HttpRequest) -> HttpResponse:
    letters = Letter.objects.published().order_by("is_example", "-dated", "version")
    return render(request, "coalition/letter_list.html", {"letters": letters, "crumbs": crumbs(letters=False)})


@require_safe
def letter_detail(request: HttpRequest, version: str) -> HttpResponse:
    letter, form = published_letter(version), SignatoriesForm(request.GET)
    on = form.cleaned_data["on"] if form.is_valid() else None
    if request.GET.get("format") == "json":
        return _json(letter, on) if form.is_valid() else _bad_day(form)
    if on:
        request.canonical_parameters = [("on", on.isoformat())]  # type: ignore[attr-defined]
    if request.GET:
        request.noindex = True  # type: ignore[attr-defined]
    numbers = signatories.in_order(signatories.of(letter, on=on), get_language() or "en")
    page = _page(numbers, request.GET.get("page", "1"))
    others = (
        Letter.objects.published().filter(kind=Letter.Kind.PORTAL, is_example=letter.is_example).exclude(pk=letter.pk)
    )
    context = {
        "letter": letter,
        "place": _(letter.place) if letter.place else "",
        **_texts(request, letter),
        "form": form,
        "on": on,
        "page_obj": page,
        "signatories": signatories.load(page.object_list, until=on),
        "others": [] if letter.is_historical else others,
        "export_query": f"?on={on}" if on else "",
        "crumbs": crumbs(),
    }
    return render(request, "coalition/letter_detail.html", context)


def _texts(request: HttpRequest, letter: Letter) -> dict[str, Any]:
    """The text in the language asked for, else the reader's own, else the authentic one; and one beside it."""
    if letter.is_historical:
        return {}
    found = readings(letter)
    form = ReadingForm(request.GET, languages=list(found))
    reader = get_language() or "en"
    shown = found[form.chosen("language", reader if reader in found else letter.authentic_language)]
    beside = found.get(form.chosen("beside"))
    return {
        "readings": found.values(),
        "authentic": found[letter.authentic_language],
        "shown": shown,
        "beside": beside if beside != shown else None,
        "missing_language": bool(form.errors),
    }


def _page(numbers: list[int], number: str) -> Page:
    try:
        return Paginator(numbers, PER_PAGE).page(number)
    except InvalidPage as error:
        raise Http404 from error


def _bad_day(form: SignatoriesForm) -> HttpResponse:
    return HttpResponseBadRequest(" ".join(map(str, form.errors["on"])), content_type="text/plain; charset=utf-8")


def _row(signatory: signatories.Signatory) -> tuple[Any, ...]:
    signature = signatory.signature
    return (
        signatory.entity.official_name,
        signature.entity_name,
        signature.signed_on,
        signature.signer_name,
        signature.signer_title,
        signature.capacity,
        signature.method,
        signature.code,
        absolute(signature.get_absolute_url()) if signature.code else "",
        # what became of an entity that sources name is not known here
        "" if signature.membership.is_recorded else signature.membership.state,
        signature.membership.ended_on,
        signature.source_url,
        "yes" if signature.is_example else "no",
    )


def _all(letter: Letter, on: date | None) -> list[signatories.Signatory]:
    numbers = signatories.in_order(signatories.of(letter, on=on), get_language() or "en")
    return signatories.load(numbers, until=on)


def _json(letter: Letter, on: date | None) -> JsonResponse:
    texts = [
        {"language": r.tag, "sha256": r.text.sha256, "authentic": r.is_authentic} for r in readings(letter).values()
    ]
    response = JsonResponse(
        {
            "version": letter.version,
            "title": letter.title,
            "dated": letter.dated,
            "place": letter.place,
            "address": absolute(letter.get_absolute_url()),
            "known_from_sources": letter.is_historical,
            "made_up_for_the_demonstration": letter.is_example,
            "source": letter.source_url,
            "texts": texts,
            "on": on,
            "signatories": [
                dict(zip(COLUMNS, ("" if value is None else value for value in _row(row)), strict=True))
                for row in _all(letter, on)
            ],
        },
        json_dumps_params={"ensure_ascii": False},
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def letter_signatories_csv(request: HttpRequest, version: str) -> HttpResponse:
    letter, form = published_letter(version), SignatoriesForm(request.GET)
    if not form.is_valid():
        return _bad_day(form)
    rows = map(_row, _all(letter, form.cleaned_data["on"]))
    response = HttpResponse("".join(csv_lines(COLUMNS, rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="signatories-{letter.version}.csv"'
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def letter_compare(request: HttpRequest, version: str, other: str) -> HttpResponse:
    """What changed from one version to another; a sentence where the text of one is not held here."""
    if version == other:
        return redirect("coalition:letter_detail", version, permanent=True)
    older, newer = published_letter(version), published_letter(other)
    before, after = readings(older), readings(newer)
    common = [code for code in after if code in before]
    request.noindex = True  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "older": older,
        "newer": newer,
        "crumbs": [*crumbs(), (newer.title, newer.get_absolute_url())],
    }
    if common:
        reader = get_language() or "en"
        code = ReadingForm(request.GET, languages=common).chosen("language", reader if reader in common else common[0])
        paragraphs = diff.compare(before[code].text.body, after[code].text.body)
        removed, added = diff.counts(paragraphs)
        context |= {
            "shown": after[code],
            "readings": [after[code] for code in common],
            "paragraphs": paragraphs,
            "removed": removed,
            "added": added,
        }
    return render(request, "coalition/letter_compare.html", context)
