"""Checking a signature: by code, by file; journal and keys for everyone."""

from typing import Any

from allauth.core.internal import ratelimit
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from coalition import certificates, seal, verification
from coalition.files import LARGEST_DOCUMENT
from coalition.forms.verification import CodeForm, FileForm, FingerprintForm
from coalition.models import Signature

ROOM = 64 * 1024  # of a request beside its file
RATES = {"verify": "30/m/ip", "verify-file": "10/m/ip"}
FOR_GOOD = "public, max-age=31536000, immutable"


class InMemory(MemoryFileUploadHandler):
    """Keeps a file in memory whatever its size, up to the largest that is looked at: nothing touches the disk."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.activated = content_length <= LARGEST_DOCUMENT + ROOM


@csrf_exempt  # until the upload handler is in place; _verify is protected
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """One field for the code, one for the file; the answer to a file stands here, that to a code at its lasting address."""
    request.upload_handlers = [InMemory(request)]
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    code_form, file_form = CodeForm(), FileForm()
    answer, status = None, 200
    if request.method == "POST":
        file_form = FileForm(request.POST, request.FILES)
        if _is_too_large(request):
            file_form.add_error("file", _("The file is larger than 10 MB: it is not a certificate."))
        if file_form.is_valid():
            if not _may_ask(request, "verify-file"):
                return _too_many(request)
            answer = verification.answer_file(file_form.cleaned_data["file"])
    elif "sha256" in request.GET:
        fingerprint = FingerprintForm(request.GET)
        if not _may_ask(request, "verify"):
            return _too_many(request)
        if fingerprint.is_valid():
            answer = verification.answer_digest(
                fingerprint.cleaned_data["sha256"], part=fingerprint.cleaned_data["part"]
            )
        else:
            status = 400
    elif "code" in request.GET:
        code_form = CodeForm(request.GET)
        if code_form.is_valid():
            code = code_form.cleaned_data["code"]
            if verification.find(code) is not None:
                return redirect("coalition:verify_code", code)
            if not _may_ask(request, "verify"):
                return _too_many(request)
            code_form.add_error("code", _not_found())
            status = 404
    request.noindex = bool(request.GET) or request.method == "POST"  # type: ignore[attr-defined]
    context = {
        "code_form": code_form, "file_form": file_form, "answer": answer, "roots": _roots(), "head": certificates.journal_head(),
        "crumbs": _crumbs()[:1],
    }  # fmt: skip
    return render(request, "coalition/verify.html", context, status=status)


def _is_too_large(request: HttpRequest) -> bool:
    return int(request.headers.get("Content-Length") or 0) > LARGEST_DOCUMENT + ROOM


def _not_found() -> str:
    return _("No certificate has this code. Compare it with the printout, character by character.")


def _may_ask(request: HttpRequest, action: str) -> bool:
    return ratelimit.consume(request, app="coalition", action=action, config=RATES, limit_get=True) is not None


def _too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "429.html", status=429)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Coalition"), reverse("coalition:home")), (_("Verify a signature"), reverse("coalition:verify"))]


def _roots() -> list[dict[str, Any]]:
    return [
        {
            "fingerprint": seal.fingerprint(root),
            "name": root.subject.rfc4514_string(),
            "until": root.not_valid_after_utc,
        }
        for root in seal.roots()
    ]


def _signature_or_redirect(request: HttpRequest, code: str, name: str) -> Signature | HttpResponse:
    """The signature of a code in an address, or where the right way of writing it leads. Http404 if there is none."""
    proper = verification.read_code(code)
    signature = verification.find(proper) if proper else None
    if signature is None:
        if not _may_ask(request, "verify"):
            return _too_many(request)
        raise Http404
    return signature if code == proper else redirect(f"coalition:{name}", proper, permanent=True)


@require_safe
def verify_code(request: HttpRequest, code: str) -> HttpResponse:
    """The lasting page of a signature: what it is, what holds today, how anybody can check it."""
    found = _signature_or_redirect(request, code, "verify_code")
    if isinstance(found, HttpResponse):
        return found
    request.noindex = True  # type: ignore[attr-defined]  # names of persons
    answer = verification.answer_for(found)
    context = {
        "answer": answer, "signature": found, "history": verification.history(found), "roots": _roots(),
        "head": certificates.journal_head(), "crumbs": _crumbs(),
    }  # fmt: skip
    return render(request, "coalition/verify_code.html", context)


@require_safe
def certificate(request: HttpRequest, code: str) -> HttpResponse | FileResponse:
    found = _signature_or_redirect(request, code, "certificate")
    if isinstance(found, HttpResponse):
        return found
    if not found.certificate:
        raise Http404
    response = FileResponse(
        found.certificate.open(),
        as_attachment=True,
        filename=f"certificate-{found.code}.pdf",
        content_type="application/pdf",
    )
    response["Cache-Control"] = FOR_GOOD
    return response


@require_safe
def evidence(request: HttpRequest, code: str) -> HttpResponse:
    """The evidence, byte for byte as it was hashed and attached to the certificate."""
    found = _signature_or_redirect(request, code, "evidence")
    if isinstance(found, HttpResponse):
        return found
    return HttpResponse(found.evidence.encode(), content_type="application/json", headers={"Cache-Control": FOR_GOOD})


@require_safe
def journal_file(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(verification.public_journal(), content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="journal.jsonl"'
    return response


@require_safe
def root_certificate(request: HttpRequest) -> HttpResponse:
    roots = seal.roots()
    if not roots:
        raise Http404
    response = HttpResponse(
        b"".join(root.public_bytes(Encoding.PEM) for root in roots), content_type="application/x-pem-file"
    )
    response["Content-Disposition"] = 'attachment; filename="root.pem"'
    return response
