"""Documents of a dialogue, one by one and all together."""

import uuid

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from dialogue import packing, papers
from dialogue.views.shared import follow_moved, get_dialogue, page


@require_safe
@follow_moved
def documents(request: HttpRequest, slug: str) -> HttpResponse:
    """By type and language, then the statements. Staff see all of them, with the end of each embargo."""
    dialogue = get_dialogue(request, slug)
    statements = papers.said(papers.statements(dialogue))
    groups = papers.groups(papers.visible(request, dialogue), dialogue)
    context = {
        **page(request, dialogue, "documents"),
        "groups": groups,
        "statements": statements,
        "has_package": bool(statements) or any(_is_public(paper) for group in groups for paper in group.papers),
    }
    return render(request, "dialogue/documents.html", context)


def _is_public(paper: papers.Paper) -> bool:
    return paper.document.audience == "public" and paper.is_linked and not (paper.embargo or paper.is_held_back)


@require_safe
@follow_moved
def document_file(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponseBase:
    """Http404 for what this visitor may not see, as for what never was."""
    dialogue = get_dialogue(request, slug)
    document = get_object_or_404(papers.visible(request, dialogue).exclude(file="").select_related("session"), uid=uid)
    is_public = dialogue.is_public and _is_public(papers.Paper(document, dialogue, timezone.now()))
    return papers.download(
        request, document.file, title=document.title, language=document.language, sha256=document.sha256,
        is_public=is_public,
    )  # fmt: skip


@require_safe
@follow_moved
def documents_zip(request: HttpRequest, slug: str) -> HttpResponse | FileResponse:
    """What is public for everyone, whoever asks."""
    dialogue = get_dialogue(request, slug)
    package = packing.package(dialogue)
    if package.is_empty:
        raise Http404
    if (unchanged := get_conditional_response(request, etag=package.etag)) is not None:
        unchanged["ETag"] = package.etag
        return unchanged
    try:
        packed = packing.packed(package)
    except ValidationError as error:
        return render(
            request, "dialogue/documents_too_large.html",
            {**page(request, dialogue, "documents"), "sentence": " ".join(error.messages)}, status=413,
        )  # fmt: skip
    response = FileResponse(packed, as_attachment=True, filename=f"{dialogue.slug}.zip", content_type="application/zip")
    response["ETag"] = package.etag
    response["X-Content-Type-Options"] = "nosniff"
    return response
