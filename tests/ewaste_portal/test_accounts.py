"""Accounts from sign-up to second factor, as a person without a passkey goes through them."""

import re
from email.header import decode_header, make_header

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client
from pytest_django import Settings

from ewaste_portal.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXP"
NEW = "another good password 7"


def sign_in(client: Client, email: str, password: str = PASSWORD, **query: str) -> object:
    return client.post("/en/account/login/", {"login": email, "password": password, **query})


def is_signed_in(client: Client) -> bool:
    return client.get("/en/account/email/").status_code == 200


def code_in(message: mail.EmailMessage) -> str:
    found = re.search(
        r"^\s*([A-Z0-9]{3,}-?[A-Z0-9]*)\s*$",
        str(message.message().get_payload(decode=True) or b"", "utf-8"),
        re.MULTILINE,
    )
    assert found, message.message().as_string()
    return found.group(1)


def totp_now() -> str:
    return format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))


@pytest.fixture
def person() -> User:
    return UserFactory(email="ann@example.org", verified=True)


@pytest.fixture
def staff() -> User:
    return UserFactory(email="staff@example.org", verified=True, is_staff=True, is_superuser=True)


# Sign-up -----------------------------------------------------------------------------------------------


def test_person_signs_up_confirms_the_address_and_is_signed_in(client: Client) -> None:
    client.post("/fr/account/signup/", {"email": "New@Example.org", "password1": NEW})

    assert not is_signed_in(client)
    (message,) = mail.outbox
    assert message.recipients() == ["New@Example.org"] or message.recipients() == ["new@example.org"]

    client.post("/fr/account/confirm-email/", {"code": code_in(message)})

    user = User.objects.get(email="new@example.org")
    assert is_signed_in(client)
    assert (user.language, user.is_staff) == ("fr", False)
    assert EmailAddress.objects.get(user=user).verified


def test_wrong_code_confirms_nothing(client: Client) -> None:
    client.post("/en/account/signup/", {"email": "new@example.org", "password1": NEW})

    client.post("/en/account/confirm-email/", {"code": "WRONG1"})

    assert not is_signed_in(client)
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_sign_up_does_not_tell_whether_an_address_is_known(client: Client, person: User) -> None:
    known = client.post("/en/account/signup/", {"email": person.email, "password1": NEW})
    unknown = Client().post("/en/account/signup/", {"email": "new@example.org", "password1": NEW})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert User.objects.filter(email=person.email).count() == 1


@pytest.mark.parametrize("password", ["short", "password123", "newperson@example.org"])
def test_weak_password_is_refused(client: Client, password: str) -> None:
    response = client.post("/en/account/signup/", {"email": "newperson@example.org", "password1": password})

    assert response.status_code == 200
    assert not User.objects.filter(email="newperson@example.org").exists()


# Sign-in -----------------------------------------------------------------------------------------------


def test_person_signs_in_and_out(client: Client, person: User) -> None:
    sign_in(client, "ANN@example.org")
    was_in = is_signed_in(client)

    client.post("/en/account/logout/")

    assert (was_in, is_signed_in(client)) == (True, False)


@pytest.mark.parametrize(
    ("email", "password"), [("ann@example.org", "wrong password"), ("nobody@example.org", PASSWORD)]
)
def test_wrong_password_and_unknown_person_get_the_same_words(
    client: Client, person: User, email: str, password: str
) -> None:
    response = client.post("/en/account/login/", {"login": email, "password": password})

    assert not is_signed_in(client)
    assert "The email address and/or password you specified are not correct" in response.content.decode()


def test_account_that_is_not_active_cannot_sign_in(client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)

    sign_in(client, person.email)

    assert not is_signed_in(client)


def test_after_many_wrong_passwords_even_the_right_one_has_to_wait(client: Client, person: User) -> None:
    for _attempt in range(12):
        sign_in(client, person.email, "wrong password")

    sign_in(client, person.email)

    assert not is_signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example.org/", "//evil.example.org/", "javascript:alert(1)"])
def test_sign_in_leads_to_no_foreign_place(client: Client, person: User, target: str) -> None:
    response = client.post("/en/account/login/", {"login": person.email, "password": PASSWORD, "next": target})

    assert response.status_code == 302
    assert "evil" not in response["Location"]
    assert "javascript" not in response["Location"]


def test_password_is_reset_by_a_code(client: Client, person: User) -> None:
    asked = client.post("/en/account/password/reset/", {"email": person.email})
    (message,) = mail.outbox
    confirmed = client.post(asked["Location"], {"code": code_in(message)})

    client.post(confirmed["Location"], {"password1": NEW, "password2": NEW})

    person.refresh_from_db()
    assert person.check_password(NEW)


def test_mails_name_the_portal_and_never_the_host_that_was_asked(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["evil.example.org"]

    client.post(
        "/en/account/signup/", {"email": "new@example.org", "password1": NEW}, headers={"host": "evil.example.org"}
    )

    (message,) = mail.outbox
    text = message.message().as_string()
    assert str(make_header(decode_header(message.message()["Subject"]))).endswith("E-waste Knowledge Sharing Platform")
    assert "evil.example.org" not in text


# Second factors ------------------------------------------------------------------------------------------


def enrol(user: User) -> Authenticator:
    return TOTP.activate(user, SECRET).instance


def test_one_time_code_is_asked_for_after_the_password(client: Client, person: User) -> None:
    enrol(person)

    sign_in(client, person.email)
    before = is_signed_in(client)
    client.post("/en/account/2fa/authenticate/", {"code": totp_now()})

    assert (before, is_signed_in(client)) == (False, True)


def test_wrong_one_time_code_is_refused(client: Client, person: User) -> None:
    enrol(person)
    sign_in(client, person.email)

    client.post("/en/account/2fa/authenticate/", {"code": "000000" if totp_now() != "000000" else "111111"})

    assert not is_signed_in(client)


def test_recovery_code_works_once(client: Client, person: User) -> None:
    enrol(person)
    code = RecoveryCodes.activate(person).get_unused_codes()[0]
    for expected in (True, False):
        other = Client()
        sign_in(other, person.email)
        other.post("/en/account/2fa/authenticate/", {"code": code})
        assert is_signed_in(other) is expected


def test_secrets_are_encrypted_at_rest(person: User) -> None:
    stored = enrol(person)

    assert SECRET not in str(stored.data)
    assert get_adapter().decrypt(stored.data["secret"]) == SECRET


# The back office ----------------------------------------------------------------------------------------


def test_visitor_is_sent_to_the_sign_in_of_the_portal(client: Client) -> None:
    response = client.get("/admin/", follow=True)

    assert response.redirect_chain[-1][0].split("?")[0] == "/en/account/login/"
    assert "next=" in response.redirect_chain[-1][0]


def test_person_who_is_not_staff_is_told_so(client: Client, person: User) -> None:
    sign_in(client, person.email)

    assert client.get("/admin/", follow=True).status_code == 403


def test_staff_get_in_with_a_password_while_no_second_factor_is_enrolled(
    client: Client, staff: User, settings: Settings
) -> None:
    settings.PORTAL_STAFF_MFA = False
    sign_in(client, staff.email)

    assert client.get("/admin/").status_code == 200


def test_staff_who_enrolled_a_second_factor_must_use_it(client: Client, staff: User, settings: Settings) -> None:
    settings.PORTAL_STAFF_MFA = False
    client.force_login(staff)
    assert client.get("/admin/").status_code == 200

    enrol(staff)

    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/", follow=True).status_code == 403

    other = Client()
    sign_in(other, staff.email)
    other.post("/en/account/2fa/authenticate/", {"code": totp_now()})
    assert other.get("/admin/").status_code == 200


def test_production_demands_a_second_factor_of_staff_and_says_so(
    client: Client, staff: User, settings: Settings
) -> None:
    settings.PORTAL_STAFF_MFA = True
    sign_in(client, staff.email)

    response = client.get("/admin/", follow=True)

    assert response.status_code == 403
    assert "/account/2fa/" in response.content.decode()


def test_sign_in_page_of_the_admin_takes_no_password(client: Client, staff: User) -> None:
    enrol(staff)

    client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})

    assert client.get("/admin/").status_code == 302
    assert not is_signed_in(client)
