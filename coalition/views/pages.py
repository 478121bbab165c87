"""The Issue Management Group, and what is asked of the private sector."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from coalition.models import Entity, Membership, Pledge

GROUP_PARENT = "emg"  # the entity under which the Group works, as shipped
PRIVATE_KINDS = ("manufacturer", "recycler", "producer-responsibility-organisation", "business-association")
MOST_SHOWN = 20


def crumbs() -> list[tuple[str, str]]:
    return [(_("Coalition"), reverse("coalition:home"))]


@require_safe
def issue_management_group(request: HttpRequest) -> HttpResponse:
    parent = Entity.objects.public().filter(slug=GROUP_PARENT).first()
    return render(request, "coalition/issue_management_group.html", {"parent": parent, "crumbs": crumbs()})


@require_safe
def private_sector(request: HttpRequest) -> HttpResponse:
    """What is asked, what was offered (never by entities made up), how to start."""
    pledges = Pledge.objects.published().filter(entity__is_example=False, entity__kind__in=PRIVATE_KINDS)
    supporters = Membership.objects.real().filter(origin="application", track="supporter", state="active")
    context = {
        "pledges": pledges.select_related("entity", "initiative").order_by("-published_at", "pk")[:MOST_SHOWN],
        "supporters": supporters.select_related("entity").order_by("-active_since", "pk")[:MOST_SHOWN],
        "crumbs": crumbs(),
    }
    return render(request, "coalition/private_sector.html", context)
