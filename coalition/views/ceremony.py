"""The Head's page: read, sign, decline, hand over.

Reading changes nothing at all, whoever or whatever reads. The secret address is the key of every form here, known to no
other site: so these views need no token against forged requests, set no cookie while one reads, and can forbid every
referrer (with which browsers would send no origin for such a token to be checked).
"""

from collections.abc import Callable
from functools import wraps
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlencode

import pghistory
from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.backends.postgresql.psycopg_any import DateRange  # type: ignore[import-untyped]
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_language_info, gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from fido2.utils import websafe_encode

from coalition import ceremony, permissions
from coalition.forms.ceremony import AskForm, CodeForm, DeclineForm, DelegateForm, PasskeyForm, ReadForm
from coalition.models import Invitation, Letter, Mandate, Membership
from ewaste_portal import richtext, vocabularies
from ewaste_portal.context import language_tag

RATES = {"act": "60/m/ip,40/10m/key", "code": "3/10m/key", "ask": "5/h/key"}

View = Callable[..., HttpResponse]


# What all these pages share -----------------------------------------------------------------------------------


def ceremony_page(view: View) -> View:
    """Finds the invitation of the secret address; keeps strangers' eyes, assistants' hands and machines' haste away."""

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def wrapper(request: HttpRequest, token: str) -> HttpResponse:
        invitation = ceremony.find(token)
        if invitation is None:
            raise Http404
        request.noindex = True  # type: ignore[attr-defined]
        if request.method != "POST":
            return _discreet(_answer(view, request, invitation, token))
        with pghistory.context(url=request.path.replace(token, "…")):  # staff read the history, with its addresses
            return _discreet(_answer(view, request, invitation, token))

    return wrapper


def _answer(view: View, request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    if request.method == "POST":
        if not _within(request, "act", invitation):
            return ratelimit.respond_429(request)
        try:
            ceremony.keep_out_assistants(request.user, invitation)
        except PermissionDenied:
            return render(request, "coalition/sign_assistant.html", _who(invitation), status=403)
    try:
        return view(request, invitation, token)
    except ceremony.Refused as refusal:
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"error": str(refusal)}, status=409)
        return _page(request, invitation, token, error=str(refusal))


def _within(request: HttpRequest, action: str, invitation: Invitation) -> bool:
    key = f"{invitation.pk}"
    return bool(ratelimit.consume(request, app="coalition", action=action, config=RATES, key=key))


def _discreet(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log the address of a refusal
    return response


def _page(
    request: HttpRequest, invitation: Invitation, token: str, *, form: ReadForm | None = None, error: str = ""
) -> HttpResponse:
    """The letter with the button; or, if it cannot be signed now, why not and what to do."""
    state = ceremony.state_of(invitation)
    if state == "used":
        if ceremony.signature_of(invitation) is not None:
            return redirect("coalition:sign_done", token)
        return render(request, "coalition/sign_declined.html", _who(invitation))
    if state != "open":
        context = {**_who(invitation), "state": state, "refusal": ceremony.refusal(state), "heir": _heir(invitation)}
        return render(request, "coalition/sign_closed.html", context, status=410)
    context = _letter_context(request, invitation)
    initial = {"language": context["text"].language, "shown": ceremony.shown(invitation, context["text"].language)}
    context |= {
        "token": token,
        "form": form or ReadForm(initial=initial),
        "error": error,
        "sent": request.GET.get("sent"),
    }
    return render(request, "coalition/sign.html", context, status=409 if error else 200)


def _who(invitation: Invitation) -> dict[str, Any]:
    return {
        "invitation": invitation,
        "membership": invitation.membership,
        "entity": invitation.membership.entity,
        "crumbs": [(_("Coalition"), reverse("coalition:home"))],
    }


def _heir(invitation: Invitation) -> Mandate | None:
    """The delegate to whom this invitation was handed over."""
    return Mandate.objects.filter(delegated_by=invitation.mandate, created_at__gte=invitation.created_at).last()


def _letter_context(request: HttpRequest, invitation: Invitation) -> dict[str, Any]:
    membership, mandate = invitation.membership, invitation.mandate
    letter = ceremony.letter_of(invitation)
    text = ceremony.letter_text(invitation, request.GET.get("letter") or get_language() or "en")
    return {
        **_who(invitation),
        "mandate": mandate,
        "mandate_since": mandate.during.lower,
        "letter": letter,
        "text": text,
        "text_tag": language_tag(text.language),
        "text_direction": "rtl" if get_language_info(text.language)["bidi"] else "ltr",
        "text_html": richtext.render(text.body),
        "languages": [
            {
                "code": other.language,
                "tag": language_tag(other.language),
                "name": _language_name(other.language),
                "is_current": other.language == text.language,
                "is_authentic": other.language == letter.authentic_language,
            }
            for other in sorted(letter.texts.all(), key=lambda other: _language_name(other.language))
        ],
        "authentic_name": _language_name(letter.authentic_language),
        "names": _names(membership),
        "prepared_by": _prepared_by(membership),
    }


def _language_name(code: str) -> str:
    return "中文" if code == "zh-hans" else get_language_info(code)["name_local"].capitalize()


def _names(membership: Membership) -> list[dict[str, str]]:
    """The entity's name in each of the six languages, empty where it has none."""
    return [
        {
            "tag": language_tag(code),
            "direction": "rtl" if get_language_info(code)["bidi"] else "ltr",
            "language": _language_name(code),
            "name": getattr(membership.entity, f"official_name_{vocabularies.COLUMNS[code]}") or "",
        }
        for code, _label in settings.LANGUAGES
    ]


def _prepared_by(membership: Membership) -> str:
    """The focal point's name as the entity gave it; never an e-mail address."""
    owner = membership.owner
    if owner is None:
        return ""
    role = Mandate.objects.filter(entity=membership.entity, user=owner).exclude(name__contains="@").first()
    return owner.get_full_name() or (role.name if role else "")


# The pages ----------------------------------------------------------------------------------------------------


@ceremony_page
def sign(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """The page itself. A POST asks for a correction or says that the mail reached somebody else."""
    if request.method != "POST":
        return _page(request, invitation, token)
    form = AskForm(request.POST)
    if not form.is_valid():
        return _page(request, invitation, token)
    if not _within(request, "ask", invitation):
        return ratelimit.respond_429(request)
    ceremony.ask(invitation, **form.cleaned_data)
    return _to(token, "sign", fragment="sent", sent=form.cleaned_data["about"], letter=request.GET.get("letter", ""))


@ceremony_page
def sign_prepare(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """For the script, after the tap: the statement, sealed, and what the browser needs to make a passkey."""
    if request.method != "POST":
        return redirect("coalition:sign", token)
    form = ReadForm(request.POST)
    if not form.is_valid():
        raise ceremony.Refused(_("Tick the box to confirm the three sentences."))
    data = form.cleaned_data
    prepared = ceremony.prepare(invitation, language=data["language"], shown_before=data["shown"])
    ceremony.open_invitation(invitation)
    answer = {"sealed": prepared.sealed, "challenge": websafe_encode(prepared.challenge)}
    return JsonResponse({**answer, **ceremony.passkey_options(invitation)})


@ceremony_page
def sign_passkey(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("coalition:sign", token)
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        raise ceremony.Refused(_("The passkey did not confirm this letter: try again, or use a code by e-mail."))
    ceremony.sign(invitation, sealed=form.cleaned_data["sealed"], passkey=form.proof(), **_circumstances(request))
    return JsonResponse({"done": reverse("coalition:sign_done", args=[token])})


@ceremony_page
def sign_code(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """Sends a code to the Head's address."""
    if request.method != "POST":
        return redirect("coalition:sign", token)
    form = ReadForm(request.POST)
    if not form.is_valid():
        return _page(request, invitation, token, form=form)
    language, shown = form.cleaned_data["language"], form.cleaned_data["shown"]
    ceremony.prepare(invitation, language=language, shown_before=shown)  # refused now rather than after the mail
    return _mail_code(request, invitation) or _to(token, "sign_with_code", language=language, shown=shown)


@ceremony_page
def sign_with_code(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """The code and the typed name; the statement is made now, about exactly what the page had shown."""
    if ceremony.state_of(invitation) != "open":
        return _page(request, invitation, token)
    form = CodeForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
    if form.is_valid():
        data = form.cleaned_data
        prepared = ceremony.prepare(invitation, language=data["language"], shown_before=data["shown"])
        try:
            ceremony.check_code(invitation, request.session, data["code"])
            ceremony.sign(
                invitation,
                sealed=prepared.sealed,
                typed_name=data["name"],
                code_was_checked=True,
                **_circumstances(request),
            )
            return redirect("coalition:sign_done", token)
        except ceremony.Refused as refusal:
            form.add_error(None, str(refusal))
    context = {**_who(invitation), "form": form, "token": token, "mandate": invitation.mandate}
    return render(request, "coalition/sign_with_code.html", context)


@ceremony_page
def sign_decline(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    if ceremony.state_of(invitation) != "open" or invitation.purpose != "original":
        return _page(request, invitation, token)
    return _confirmed_by_code(
        request, invitation, token, DeclineForm,
        lambda form: ceremony.decline(invitation, reason=form.text(), code_was_checked=True),
    )  # fmt: skip


@ceremony_page
def sign_delegate(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    if ceremony.state_of(invitation) != "open" or invitation.mandate.role != "head":
        return _page(request, invitation, token)
    return _confirmed_by_code(
        request, invitation, token, DelegateForm,
        lambda form: ceremony.delegate(invitation, code_was_checked=True, **form.delegation()),
    )  # fmt: skip


def _confirmed_by_code(
    request: HttpRequest, invitation: Invitation, token: str, form_class: type[Any], act: Callable[[Any], Any]
) -> HttpResponse:
    """Declining and handing over: first a code is sent to the Head's address, then the form asks for it.

    The code comes first, since a file that was chosen cannot be kept while one looks for a mail.
    """
    name = "sign_decline" if form_class is DeclineForm else "sign_delegate"
    if "send" in request.POST:
        return _mail_code(request, invitation) or _to(token, name, code="sent")
    form = form_class(request.POST, request.FILES) if request.method == "POST" else form_class()
    if form.is_valid():
        try:
            ceremony.check_code(invitation, request.session, form.cleaned_data["code"])
        except ceremony.Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            act(form)
            return redirect("coalition:sign", token)
    is_sent = form.is_bound or "code" in request.GET
    context = {**_who(invitation), "form": form, "token": token, "is_sent": is_sent}
    return render(request, f"coalition/{name}.html", context)


def _mail_code(request: HttpRequest, invitation: Invitation) -> HttpResponse | None:
    """Sends the code; the answer to those who ask too often. Refused if the mail server does not take it."""
    if not _within(request, "code", invitation):
        return ratelimit.respond_429(request)
    ceremony.open_invitation(invitation)
    try:
        ceremony.send_code(invitation, request.session)
    except (SMTPException, OSError) as error:
        raise ceremony.Refused(_("The mail with the code could not be sent: try again in a few minutes.")) from error
    return None


@ceremony_page
def sign_done(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """What was signed; reachable by the same address for good."""
    signature = ceremony.signature_of(invitation) if invitation.used_at else None
    if signature is None:
        return redirect("coalition:sign", token)
    context = {
        **_who(invitation),
        "signature": signature,
        "verify_url": settings.PORTAL_ORIGIN + signature.get_absolute_url(),
    }
    return render(request, "coalition/sign_done.html", context)


def _to(token: str, name: str, *, fragment: str = "", **query: str) -> HttpResponse:
    words = urlencode({key: value for key, value in query.items() if value})
    anchor = f"#{fragment}" if fragment else ""
    return HttpResponseRedirect(f"{reverse(f'coalition:{name}', args=[token])}?{words}{anchor}")


def _circumstances(request: HttpRequest) -> dict[str, Any]:
    """What goes into the private evidence: the reader's own address, also behind the proxies that the settings trust."""
    return {
        "address": get_adapter(request).get_client_ip(request),
        "user_agent": request.headers.get("User-Agent", ""),
        "user": request.user,
    }


# For those who prepare ----------------------------------------------------------------------------------------


@never_cache
def preview(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The same page as the Head will see it, for focal point and assistant: no address, no token, nothing to press."""
    if not permissions.can_manage(request.user, membership.entity):
        raise PermissionDenied
    letter = membership.letter or _letter_to_come(membership)
    if letter is None:
        raise Http404
    membership.letter = letter
    request.noindex = True  # type: ignore[attr-defined]
    mandate = Mandate(
        entity=membership.entity,
        role="head",
        name=membership.head_name,
        title=membership.head_title,
        email=membership.head_email,
        during=DateRange(timezone.localdate(), None),
    )
    invitation = Invitation(membership=membership, mandate=mandate)
    context = {**_letter_context(request, invitation), "form": ReadForm(), "preview": True}
    return render(request, "coalition/sign.html", context)


def _letter_to_come(membership: Membership) -> Letter | None:
    """Before staff choose it: the newest letter that such an entity can sign."""
    letters = Letter.objects.published().exclude(kind="historical").filter(is_example=membership.entity.is_example)
    return letters.order_by("-dated", "-pk").first()
