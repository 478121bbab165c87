"""Registration without an account, and the check-in list of staff."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import pghistory
import segno
from allauth.core.internal import ratelimit
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext as _, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from coalition import exports
from coalition.views.workspace import tell_refusal
from dialogue import attending, permissions, tokens
from dialogue.actions import attendance as actions
from dialogue.exchange import calendars
from dialogue.forms.attend import CheckInForm, CodeForm, ListForm, ModeForm, RegistrationForm, WishesForm
from dialogue.models import Attendance, Dialogue
from dialogue.times import instant_words
from dialogue.views.shared import follow_moved, get_dialogue, is_staff, page
from ewaste_portal.addresses import absolute
from ewaste_portal.views import error_page

if TYPE_CHECKING:
    from ewaste_portal.models import User

RATES = {
    "register": "60/h/ip,6/h/key",  # a conference sits behind one address; one mailbox does not fill up
    "code": "120/10m/ip,20/10m/key",
    "resend": "30/h/ip,3/10m/key",
    "act": "60/10m/key",
}
NAMES_SHOWN, ROWS_SHOWN = 100, 100

View = Callable[..., HttpResponseBase]


def within_rate(request: HttpRequest, action: str, key: str) -> bool:
    return bool(ratelimit.consume(request, app="dialogue", action=action, config=RATES, key=key))


# Registering --------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@follow_moved
def attend(request: HttpRequest, slug: str) -> HttpResponse:
    """The form while registration is open, else when it opens or that it is closed; who has registered."""
    dialogue = get_dialogue(request, slug)
    is_open = dialogue.registration_is_open()
    form = RegistrationForm(request.POST or None, dialogue=dialogue) if is_open else None
    if request.method == "POST" and form is not None and form.is_valid():
        if not within_rate(request, "register", f"{dialogue.pk} {form.cleaned_data['email'].lower()}"):
            return error_page(request, 429)
        try:
            uid = actions.register(dialogue=dialogue, language=get_language() or "en", **form.answers())
        except ValidationError as error:
            tell_refusal(request, error)
            return redirect("dialogue:attend", dialogue.slug)
        return redirect("dialogue:attend_confirm", dialogue.slug, uid)
    numbers = actions.counts(dialogue)
    context = {
        **page(request, dialogue, "attend"),
        "form": form,
        "registration": _registration(dialogue),
        "places": _places(dialogue, numbers),
        "can_check_in": is_staff(request) and permissions.can_check_in(request.user),
        **_listed(request, dialogue, numbers),
    }
    return render(request, "dialogue/attend.html", context)


def _registration(dialogue: Dialogue) -> dict[str, Any]:
    """`state`: open, later, closed, over, cancelled or none; the instants with their words."""
    opens, closes = dialogue.registration_opens_at, dialogue.registration_closes_at
    phase = dialogue.phase()
    if opens is None or closes is None:
        return {"state": "over" if phase == "held" else "cancelled" if phase == "cancelled" else "none"}
    if phase in {"cancelled", "held"}:
        state = "cancelled" if phase == "cancelled" else "over"
    else:
        state = "open" if dialogue.registration_is_open() else "later" if timezone.now() < opens else "closed"
    return {
        "state": state,
        "opens": opens,
        "opens_words": instant_words(opens, dialogue.zone, dialogue.place),
        "closes": closes,
        "closes_words": instant_words(closes, dialogue.zone, dialogue.place),
    }


def _places(dialogue: Dialogue, numbers: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """For each way to attend: how many places, how many free, how many wait; `capacity` None where nobody counts."""
    rows = []
    for mode, label in actions.modes(dialogue):
        capacity, seated = dialogue.capacity(mode), _seated(numbers[mode])
        waiting = numbers[mode].get("waiting-list", 0)
        free = None if capacity is None else 0 if waiting else max(0, capacity - seated)
        rows.append({"mode": mode, "label": label, "capacity": capacity, "free": free, "waiting": waiting})
    return rows


def _seated(states: dict[str, int]) -> int:
    return states.get("confirmed", 0) + states.get("attended", 0)


def _listed(request: HttpRequest, dialogue: Dialogue, numbers: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Who agreed to be named to this visitor, and how many there are in all."""
    me = attending.current(request, dialogue)
    people = dialogue.attendances.listed_to(me.category if me else "").only(
        "dialogue", "name", "organization", "category"
    )
    paginator = Paginator(people.order_by("name", "pk"), NAMES_SHOWN)
    shown = paginator.get_page(request.GET.get("page"))
    return {"me": me, "page_obj": shown, "registered_count": sum(_seated(states) for states in numbers.values())}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@follow_moved
def confirm(request: HttpRequest, slug: str, uid: Any) -> HttpResponse:
    """Where the code of the mail is entered. Looks the same whether or not anything waits to be confirmed."""
    dialogue = get_dialogue(request, slug)
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and "resend" in request.POST:
        if not within_rate(request, "resend", str(uid)):
            return error_page(request, 429)
        actions.send_again(dialogue=dialogue, page=uid)
        messages.success(request, _("Another mail is on its way. Only the code of the latest one works."))
        return redirect(request.path)
    if request.method == "POST":
        if not within_rate(request, "code", str(uid)):
            return error_page(request, 429)
        if form.is_valid():
            try:
                attendance = actions.confirm(dialogue=dialogue, page=uid, code=form.cleaned_data["code"])
            except ValidationError as error:
                form.add_error("code", error)
            else:
                return redirect("dialogue:my_attendance", dialogue.slug, tokens.token_of(attendance))
    request.noindex = True  # type: ignore[attr-defined]
    return render(request, "dialogue/attend_confirm.html", {**_page(request, dialogue), "form": form})


def _page(request: HttpRequest, dialogue: Dialogue) -> dict[str, Any]:
    context = page(request, dialogue, "attend")
    url = reverse("dialogue:attend", args=[dialogue.slug])
    return {**context, "crumbs": [*context["crumbs"], (pgettext("a page of a dialogue", "Attend"), url)]}


# The personal page --------------------------------------------------------------------------------------------


def personal(view: View) -> View:
    """Finds the registration of a secret address; keeps the address out of referrers, indexes, logs and the history."""

    @never_cache
    @follow_moved
    @wraps(view)
    def wrapper(request: HttpRequest, slug: str, token: str) -> HttpResponseBase:
        dialogue = get_dialogue(request, slug)
        attendance = tokens.find(dialogue, token)
        if attendance is None:
            raise Http404
        attendance.dialogue = dialogue
        request.noindex = True  # type: ignore[attr-defined]
        if request.method == "POST":
            if not within_rate(request, "act", str(attendance.pk)):
                return error_page(request, 429)
            with pghistory.context(url=request.path.replace(token, "…")):  # staff read the history, with its addresses
                response = view(request, dialogue, attendance, token)
        else:
            response = view(request, dialogue, attendance, token)
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def mine(request: HttpRequest, dialogue: Dialogue, attendance: Attendance, token: str) -> HttpResponse:
    """How the registration stands, and what its holder can do: wishes, another way to attend, this browser, cancelling."""
    wishes = WishesForm(request.POST if request.POST.get("act") == "wishes" else None, instance=attendance)
    if request.method == "POST":
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise Http404
        try:
            said = act(request, attendance, wishes)
        except ValidationError as error:
            tell_refusal(request, error)
            return redirect(request.path)
        if said:
            messages.success(request, said)
            return redirect(request.path)
        attendance.refresh_from_db()
    if "cancel" in request.GET and attendance.state in {"confirmed", "waiting-list"}:
        return render(
            request, "dialogue/my_attendance_cancel.html", {**_page(request, dialogue), "attendance": attendance}
        )
    context = {**_page(request, dialogue), **_stand(request, attendance), "form": wishes, "token": token}
    return render(request, "dialogue/my_attendance.html", context)


def _stand(request: HttpRequest, attendance: Attendance) -> dict[str, Any]:
    dialogue, state = attendance.dialogue, attendance.state
    is_to_come = dialogue.phase() in {"upcoming", "live"}
    current = attending.current(request, dialogue)
    other = [mode for mode in actions.modes(dialogue) if mode[0] != attendance.mode]
    return {
        "attendance": attendance,
        "where": [place for place in (dialogue.room, dialogue.venue, dialogue.place) if place],
        "number": actions.number_in_line(attendance) if state == "waiting-list" else None,
        "qr": qr_code(check_in_address(attendance)) if attendance.is_seated and attendance.mode == "on-site" else "",
        "other_modes": other if is_to_come and state in {"confirmed", "waiting-list"} else [],
        "is_to_come": is_to_come,
        "is_here": current is not None and current.pk == attendance.pk,
        "can_cancel": is_to_come and state in {"confirmed", "waiting-list"},
    }


def check_in_address(attendance: Attendance) -> str:
    """What the code for the entrance says: only staff see anything there."""
    path = reverse("dialogue:attendance_list", args=[attendance.dialogue.slug])
    return absolute(f"{path}?{urlencode({'uid': attendance.uid})}")


def qr_code(text: str) -> SafeString:
    """An svg element of its own colours, named for screen readers."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=4, light="#fff", omitsize=True, svgclass="qr-image", lineclass=None, title=_("Code for the entrance")
    )
    return mark_safe(drawn.replace("<svg ", '<svg role="img" ', 1))  # noqa: S308  drawn by us, of our own address


def _change_wishes(request: HttpRequest, attendance: Attendance, form: WishesForm) -> str:
    if not form.is_valid():
        return ""
    actions.change_wishes(attendance=attendance, **form.cleaned_data)
    return _("Saved.")


def _change_mode(request: HttpRequest, attendance: Attendance, form: WishesForm) -> str:
    wanted = ModeForm(request.POST)
    if not wanted.is_valid():
        raise ValidationError(_("The dialogue cannot be attended in this way."))
    changed = actions.change_mode(attendance=attendance, mode=wanted.cleaned_data["mode"])
    return _("You now take part online.") if changed.mode == "online" else _("You now take part on site.")


def _stay_here(request: HttpRequest, attendance: Attendance, form: WishesForm) -> str:
    if not attendance.is_seated:
        raise ValidationError(_("Only people with a place take part."))
    attending.remember(request, attendance)
    return _("You take part from this browser: you can ask questions and support those of others.")


def _leave(request: HttpRequest, attendance: Attendance, form: WishesForm) -> str:
    attending.forget(request, attendance.dialogue)
    return _("This browser no longer takes part.")


def _cancel(request: HttpRequest, attendance: Attendance, form: WishesForm) -> str:
    actions.cancel(attendance=attendance)
    attending.forget(request, attendance.dialogue)
    return _("Your registration is cancelled.")


ACTS: dict[str, Callable[[HttpRequest, Attendance, WishesForm], str]] = {
    "wishes": _change_wishes, "mode": _change_mode, "here": _stay_here, "leave": _leave, "cancel": _cancel,
}  # fmt: skip


@require_safe
@personal
def my_calendar(request: HttpRequest, dialogue: Dialogue, attendance: Attendance, token: str) -> HttpResponse:
    """All dialogues that this address registered for, as one calendar; what was cancelled says so."""
    mine = Attendance.objects.of_the_same_person(attendance).select_related("dialogue")
    content = calendars.of_registrations(list(mine))
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-dialogues.ics"'
    return response


# The check-in list --------------------------------------------------------------------------------------------


def at_the_door(view: View) -> View:
    """For staff who may check people in, signed in as the back office wants it. A page of its own says 404 to all others."""

    @never_cache
    @follow_moved
    @wraps(view)
    def wrapper(request: HttpRequest, slug: str) -> HttpResponseBase:
        if not request.user.is_authenticated:
            get_dialogue(request, slug)
            return redirect_to_login(request.get_full_path())
        if not permissions.can_check_in(request.user):
            raise Http404
        if not admin.site.has_permission(request):
            return admin.site.login(request)
        request.noindex = True  # type: ignore[attr-defined]
        return view(request, get_dialogue(request, slug))

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def attendance_list(request: HttpRequest, dialogue: Dialogue) -> HttpResponseBase:
    """Who comes: to search, to check in, to print; `format=csv` for a spreadsheet."""
    form = ListForm(request.GET)
    rows = form.rows(dialogue.attendances.filter(erased_at__isnull=True))
    if request.method == "POST":
        _check_in(request, dialogue)
        return redirect(request.get_full_path())
    if request.GET.get("format") == "csv":
        return exports.csv_file(f"{dialogue.slug}-registrations", COLUMNS, map(_csv_row, rows))
    numbers = actions.counts(dialogue)
    paginator = Paginator(rows, ROWS_SHOWN)
    context = {
        **_page(request, dialogue),
        "form": form,
        "is_scanned": bool(form.cleaned_data.get("uid")),
        "page_obj": paginator.get_page(request.GET.get("page")),
        "row_count": paginator.count,
        "numbers": _totals(dialogue, numbers),
        "csv_url": f"?{urlencode({**form.parameters(), 'format': 'csv'})}",
    }
    return render(request, "dialogue/attendance_list.html", context)


def _totals(dialogue: Dialogue, numbers: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "capacity": dialogue.capacity(mode),
            "registered": _seated(numbers[mode]),
            "here": numbers[mode].get("attended", 0),
            "waiting": numbers[mode].get("waiting-list", 0),
        }
        for mode, label in actions.modes(dialogue)
    ]


def _check_in(request: HttpRequest, dialogue: Dialogue) -> None:
    form = CheckInForm(request.POST)
    wanted = form.cleaned_data if form.is_valid() else {}
    uid, step = (
        (wanted.get("check_in"), actions.check_in)
        if wanted.get("check_in")
        else (wanted.get("undo"), actions.undo_check_in)
    )
    if uid is None:
        raise Http404
    attendance = get_object_or_404(dialogue.attendances, uid=uid)
    try:
        done = step(attendance=attendance, by=cast("User", request.user))
    except ValidationError as error:
        tell_refusal(request, error)
        return
    said = _("%(name)s is checked in.") if done.state == "attended" else _("The check-in of %(name)s is undone.")
    messages.success(request, said % {"name": done.name})


COLUMNS = (
    "name", "organization", "email", "category", "mode", "state", "access_needs", "confirmed_at", "checked_in_at",
)  # fmt: skip


def _csv_row(row: Attendance) -> dict[str, Any]:
    times = {
        name: value.isoformat(timespec="seconds") if (value := getattr(row, name)) else "" for name in COLUMNS[-2:]
    }
    return {**{name: getattr(row, name) for name in COLUMNS[:-2]}, **times}
