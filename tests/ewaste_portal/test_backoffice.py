"""Who may enter the back office, and what the others are told."""

from typing import Any

import pytest
from django.test import Client

from ewaste_portal.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def heading(response: Any) -> str:
    return response.content.decode().split("<h1>")[1].split("</h1>")[0]


def test_staff_without_a_second_factor_are_told_to_set_one_up(client: Client, settings: Any) -> None:
    settings.PORTAL_STAFF_MFA = True
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    response = client.get("/admin/", follow=True)

    assert (response.status_code, heading(response)) == (403, "Second factor needed")
    assert 'href="/en/account/2fa/"' in response.content.decode()


def test_others_are_told_that_they_are_not_staff(client: Client) -> None:
    client.force_login(UserFactory())

    response = client.get("/admin/", follow=True)

    assert (response.status_code, heading(response)) == (403, "No access to the back office")


def test_a_new_account_is_known_by_its_address_in_lower_case(admin_client: Client) -> None:
    data = {"email": "Editor@Example.org", "usable_password": "true"}
    data |= dict.fromkeys(("password1", "password2"), "a long pass phrase")

    response = admin_client.post("/admin/ewaste_portal/user/add/", data)

    assert response.status_code == 302
    assert User.objects.filter(email="editor@example.org").exists()


@pytest.mark.parametrize("path", ["country/FRA", "region/150"])
def test_countries_and_regions_can_be_read_and_not_changed(client: Client, path: str) -> None:
    client.force_login(UserFactory(is_staff=True))

    page = client.get(f"/admin/ewaste_portal/{path}/change/")
    answer = client.post(f"/admin/ewaste_portal/{path}/change/", {"name_en": "Elsewhere"})

    assert (page.status_code, answer.status_code) == (200, 403)
