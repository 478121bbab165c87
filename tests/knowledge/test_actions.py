"""Each change of state and its refusals; what two people do at once."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from ewaste_portal.models import User
from knowledge import actions, permissions
from knowledge.models import Resource
from tests.factories import EditionFactory, ResourceFactory, UserFactory, published_resource, withdrawn_resource

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FACTS = (
    "state", "submitted_by", "submitted_at", "published_by", "published_at", "withdrawn_by", "withdrawn_at", "withdrawal_reason"
)  # fmt: skip


def facts(resource: Resource) -> dict[str, Any]:
    """What is stored of the state, less what is empty."""
    return {name: value for name, value in Resource.objects.values(*FACTS).get(pk=resource.pk).items() if value}


@pytest.fixture
def editor() -> User:
    return UserFactory()


@pytest.fixture
def publisher() -> User:
    return UserFactory()


@pytest.mark.django_db
def test_draft_is_submitted(editor: User) -> None:
    resource = ResourceFactory()

    actions.submit(resource=resource, by=editor, at=AT)

    assert facts(resource) == {"state": "in-review", "submitted_by": editor.pk, "submitted_at": AT}


@pytest.mark.django_db
def test_submission_is_returned_and_forgotten(editor: User, publisher: User) -> None:
    resource = ResourceFactory()
    actions.submit(resource=resource, by=editor)

    actions.return_to_draft(resource=resource, by=publisher)

    assert facts(resource) == {"state": "draft"}


@pytest.mark.django_db
def test_draft_is_published(publisher: User) -> None:
    resource = EditionFactory().resource

    actions.publish(resource=resource, by=publisher, at=AT)

    assert facts(resource) == {"state": "published", "published_by": publisher.pk, "published_at": AT}


@pytest.mark.django_db
def test_what_was_submitted_is_published_and_keeps_who_submitted(editor: User, publisher: User) -> None:
    resource = EditionFactory().resource
    actions.submit(resource=resource, by=editor, at=AT)

    actions.publish(resource=resource, by=publisher, at=AT)

    assert facts(resource) == {
        "state": "published", "submitted_by": editor.pk, "submitted_at": AT, "published_by": publisher.pk, "published_at": AT
    }  # fmt: skip


@pytest.mark.django_db
def test_nothing_is_published_without_an_edition(publisher: User) -> None:
    resource = ResourceFactory()

    with pytest.raises(ValidationError) as refusal:
        actions.publish(resource=resource, by=publisher)

    assert refusal.value.code == "edition"
    assert facts(resource) == {"state": "draft"}


@pytest.mark.django_db
def test_published_resource_is_withdrawn_with_a_reason(publisher: User) -> None:
    resource = published_resource()

    actions.withdraw(resource=resource, by=publisher, reason="  Replaced by a newer edition.\n", at=AT)

    stored = facts(resource)
    assert (stored["state"], stored["withdrawn_by"], stored["withdrawn_at"], stored["withdrawal_reason"]) == (
        "withdrawn", publisher.pk, AT, "Replaced by a newer edition."
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_nothing_is_withdrawn_without_a_reason(publisher: User, reason: str) -> None:
    resource = published_resource()

    with pytest.raises(ValidationError) as refusal:
        actions.withdraw(resource=resource, by=publisher, reason=reason)

    assert refusal.value.code == "reason"
    assert facts(resource)["state"] == "published"


@pytest.mark.django_db
def test_withdrawn_resource_is_reinstated_and_its_withdrawal_forgotten(publisher: User) -> None:
    resource = withdrawn_resource()

    actions.reinstate(resource=resource, by=publisher, at=AT)

    assert facts(resource) == {"state": "published", "published_by": publisher.pk, "published_at": AT}


@pytest.mark.django_db
def test_nothing_is_reinstated_whose_doi_another_took(publisher: User) -> None:
    resource = withdrawn_resource(doi="10.1016/a")
    ResourceFactory(doi="10.1016/a")

    with pytest.raises(ValidationError) as refusal:
        actions.reinstate(resource=resource, by=publisher)

    assert refusal.value.code == "doi"
    assert facts(resource)["state"] == "withdrawn"


STEPS: dict[str, Callable[..., Resource]] = {
    "submit": actions.submit,
    "return": actions.return_to_draft,
    "publish": actions.publish,
    "withdraw": lambda **given: actions.withdraw(reason="Replaced.", **given),
    "reinstate": actions.reinstate,
}
OPEN = {
    "draft": {"submit", "publish"},
    "in-review": {"return", "publish"},
    "published": {"withdraw"},
    "withdrawn": {"reinstate"},
}
PREDICATES = {
    "submit": permissions.can_submit,
    "return": permissions.can_return,
    "publish": permissions.can_publish,
    "withdraw": permissions.can_withdraw,
    "reinstate": permissions.can_reinstate,
}


def in_state(state: str) -> Resource:
    resource, by = EditionFactory().resource, UserFactory()
    path = {"draft": [], "in-review": ["submit"], "published": ["publish"], "withdrawn": ["publish", "withdraw"]}[state]
    for step in path:
        STEPS[step](resource=resource, by=by)
    return resource


@pytest.mark.django_db
@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("step", STEPS)
def test_each_state_is_open_to_its_own_steps_alone(state: str, step: str, publisher: User) -> None:
    resource = in_state(state)
    before = facts(resource)

    if step in OPEN[state]:
        STEPS[step](resource=resource, by=publisher)
        assert facts(resource)["state"] != state
    else:
        with pytest.raises(ValidationError) as refusal:
            STEPS[step](resource=resource, by=publisher)
        assert refusal.value.code == "state"
        assert facts(resource) == before


@pytest.mark.django_db
def test_step_looks_at_the_row_and_not_at_an_old_copy_of_it(publisher: User) -> None:
    resource = published_resource()
    old_copy = Resource.objects.get(pk=resource.pk)
    actions.withdraw(resource=resource, by=publisher, reason="First.")

    with pytest.raises(ValidationError):
        actions.withdraw(resource=old_copy, by=publisher, reason="Second.")

    assert facts(resource)["withdrawal_reason"] == "First."


@pytest.mark.django_db
def test_step_writes_its_own_columns_alone(publisher: User) -> None:
    resource = EditionFactory().resource
    Resource.objects.filter(pk=resource.pk).update(original_title="Corrected meanwhile")

    actions.publish(resource=resource, by=publisher)

    assert Resource.objects.get(pk=resource.pk).original_title == "Corrected meanwhile"


@pytest.mark.django_db
def test_step_brings_the_given_object_up_to_date(publisher: User) -> None:
    resource = EditionFactory().resource

    actions.publish(resource=resource, by=publisher, at=AT)

    assert (resource.state, resource.published_by, resource.published_at) == ("published", publisher, AT)


@pytest.mark.django_db
def test_step_marks_the_row_as_modified(publisher: User) -> None:
    resource = EditionFactory().resource
    Resource.objects.filter(pk=resource.pk).update(modified_at=AT)

    actions.submit(resource=resource, by=publisher)

    assert Resource.objects.get(pk=resource.pk).modified_at > AT


@pytest.mark.django_db
@pytest.mark.parametrize("state", OPEN)
def test_permission_and_state_together_decide_who_may_do_what(state: str) -> None:
    resource = in_state(state)
    stranger, editor, publisher = UserFactory(), UserFactory(), UserFactory()
    review, publish = (Permission.objects.get(codename=f"{verb}_resource") for verb in ("review", "publish"))
    editor.user_permissions.add(review)
    publisher.user_permissions.add(review, publish)

    may = {
        name: {step for step, may in PREDICATES.items() if may(user, resource)}
        for name, user in {"stranger": stranger, "editor": editor, "publisher": publisher}.items()
    }

    assert may == {"stranger": set(), "editor": OPEN[state] & {"submit", "return"}, "publisher": OPEN[state]}


def at_once(*works: Callable[[], object]) -> list[object]:
    """Runs each in a thread and a connection of its own; what each gave or raised."""
    barrier = threading.Barrier(len(works), timeout=20)
    given: list[object] = [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            given[place] = work()
        except Exception as error:  # noqa: BLE001  handed to the test
            given[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return given


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_does_it_and_the_other_is_told() -> None:
    resource, one, other = EditionFactory().resource, UserFactory(), UserFactory()

    given = at_once(
        *(lambda by=by: actions.publish(resource=Resource(pk=resource.pk), by=by).published_by for by in (one, other))
    )

    winners = [by for by in given if isinstance(by, User)]
    refusals = [error for error in given if isinstance(error, ValidationError)]
    assert (len(winners), len(refusals)) == (1, 1), given
    assert facts(resource)["published_by"] == winners[0].pk


@pytest.mark.django_db(transaction=True)
def test_publishing_while_the_last_edition_is_deleted_never_leaves_a_published_resource_without_one() -> None:
    edition, by = EditionFactory(), UserFactory()

    def delete() -> None:
        with suppress(IntegrityError):
            edition.delete()
        connection.close()

    deleting = threading.Thread(target=delete)
    with transaction.atomic():
        actions.publish(resource=edition.resource, by=by)
        connection.check_constraints()
        deleting.start()
        deleting.join(timeout=1)  # it may wait for us
    deleting.join(timeout=20)

    assert not Resource.objects.published().filter(editions=None).exists()
