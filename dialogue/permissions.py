"""Who may do what in a dialogue: small predicates that views, templates, actions and the admin ask."""

from typing import TYPE_CHECKING

from coalition import permissions as coalition
from coalition.models import Entity, Membership
from dialogue.models import DesiredOutput, Dialogue, ExpectedOutcome, Question

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from ewaste_portal.models import User

EVENT_MANAGERS = "Event manager"  # name of the group


def can_publish(user: "User | AnonymousUser") -> bool:
    """Publish, move, cancel dialogues."""
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.publish_dialogue")


def can_preview(user: "User | AnonymousUser") -> bool:
    """See what is not published."""
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.view_dialogue")


def can_moderate(user: "User | AnonymousUser") -> bool:
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.moderate_question")


def can_check_in(user: "User | AnonymousUser") -> bool:
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.check_in_attendance")


def can_speak_for(user: "User | AnonymousUser", entity: Entity) -> bool:
    """Send a statement or a written answer: a confirmed focal point of the entity."""
    return coalition.is_focal_point(user, entity)


def entities_of(user: "User | AnonymousUser") -> list[Entity]:
    """The entities that the person is focal point of."""
    if not user.is_authenticated:
        return []
    return [entity for entity in Entity.objects.managed_by(user) if can_speak_for(user, entity)]


def can_answer_in_writing(user: "User | AnonymousUser", dialogue: Dialogue, entity: Entity) -> bool:
    """In an exchange in writing: for an entity that is an active member, while questions are open."""
    return (
        dialogue.is_in_writing
        and dialogue.questions_are_open()
        and can_speak_for(user, entity)
        and Membership.objects.filter(entity=entity, state="active").exists()
    )


def can_answer(user: "User | AnonymousUser", question: Question, entity: Entity) -> bool:
    """Write an answer for an entity: in an exchange in writing, or because the question was handed on to it."""
    handed_on = question.answer_by is not None and question.entity_id == entity.pk
    if handed_on and question.dialogue.is_public:
        return can_speak_for(user, entity)
    return can_answer_in_writing(user, question.dialogue, entity)


def can_add_word(user: "User | AnonymousUser", aim: DesiredOutput | ExpectedOutcome) -> bool:
    """Say what became of an output or outcome: staff, and focal points of the entity that answers for it."""
    if not user.is_authenticated:
        return False
    if user.is_staff and user.has_perm("dialogue.add_outcomeupdate"):
        return True
    return aim.owner is not None and can_speak_for(user, aim.owner)


def can_see_papers(user: "User | AnonymousUser") -> bool:
    """Documents of every audience, also before their embargo ends."""
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.view_document")


def can_see_statements(user: "User | AnonymousUser") -> bool:
    """Statements that are not published."""
    return user.is_authenticated and user.is_staff and user.has_perm("dialogue.view_statement")
