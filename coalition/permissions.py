"""Who may do what in the Coalition: small predicates that views, templates, actions and the admin ask."""

from datetime import date
from typing import TYPE_CHECKING

from django.utils import timezone

from coalition.models import Entity, Initiative, Letter, Mandate, Membership, Pledge

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from ewaste_portal.models import User

REVIEWERS, COUNTERSIGNERS = "Reviewer", "Countersigner"  # names of the two groups


def can_manage(user: "User | AnonymousUser", entity: Entity, *, on: date | None = None) -> bool:
    """Enter the entity's workspace: its confirmed focal point or assistant."""
    return user.is_authenticated and Entity.objects.filter(pk=entity.pk).managed_by(user, on=on).exists()


def is_focal_point(user: "User | AnonymousUser", entity: Entity, *, on: date | None = None) -> bool:
    return (
        user.is_authenticated
        and Mandate.objects.holding(on=on or timezone.localdate())
        .confirmed()
        .filter(entity=entity, user=user, role="focal-point")
        .exists()
    )


def can_edit_application(user: "User | AnonymousUser", membership: Membership) -> bool:
    return membership.state in {"draft", "returned"} and can_manage(user, membership.entity)


def can_review(user: "User | AnonymousUser", membership: Membership) -> bool:
    return membership.state == "review" and user.has_perm("coalition.review_membership")


def can_countersign(user: "User | AnonymousUser", membership: Membership) -> bool:
    """A signature, or an active member's reaffirmation. Never the person who reviewed."""
    waits = membership.state == "signed" or (
        membership.state == "active" and membership.signatures.uncountersigned().filter(kind="reaffirmation").exists()
    )
    return waits and user.has_perm("coalition.countersign_membership") and membership.reviewed_by_id != user.pk


def can_ask_head(user: "User | AnonymousUser", membership: Membership) -> bool:
    """The focal point, for an active signatory who signed here: ask the Head to reaffirm or to withdraw."""
    return membership.state == "active" and _signs_here(membership) and is_focal_point(user, membership.entity)


def can_manage_asking(user: "User | AnonymousUser", membership: Membership) -> bool:
    """Staff: the same, and for one who is suspended."""
    return (
        membership.state in {"active", "suspended"}
        and _signs_here(membership)
        and user.has_perm("coalition.review_membership")
    )


def _signs_here(membership: Membership) -> bool:
    return membership.track == "signatory" and not membership.is_recorded and membership.letter_id is not None


def can_suspend(user: "User | AnonymousUser", membership: Membership) -> bool:
    return membership.state in {"active", "suspended"} and user.has_perm("coalition.countersign_membership")


def can_manage_signing(user: "User | AnonymousUser", membership: Membership) -> bool:
    """While the Head is asked: send the invitation again, take the file back, record what was signed on paper."""
    return membership.state == "signing" and user.has_perm("coalition.review_membership")


def can_reopen(user: "User | AnonymousUser", membership: Membership) -> bool:
    return membership.state in {"lapsed", "declined"} and user.has_perm("coalition.review_membership")


def can_propose_end(user: "User | AnonymousUser", membership: Membership, end: str) -> bool:
    """The first pair of eyes, for `rejected` or `removed`."""
    states = {"rejected": {"review", "signed"}, "removed": {"suspended"}}
    return membership.state in states[end] and _decides(user)


def can_confirm_end(user: "User | AnonymousUser", membership: Membership) -> bool:
    """The second pair of eyes: never those of the first; a removal takes a countersigner."""
    proposal = membership.proposed_end
    if not proposal or proposal["by"] == user.pk or membership.state not in {"review", "signed", "suspended"}:
        return False
    return _decides(user) if proposal["end"] == "rejected" else user.has_perm("coalition.countersign_membership")


def can_see_memberships(user: "User | AnonymousUser") -> bool:
    return user.has_perm("coalition.view_membership") or _decides(user)


def _decides(user: "User | AnonymousUser") -> bool:
    return user.has_perm("coalition.review_membership") or user.has_perm("coalition.countersign_membership")


def can_merge(user: "User | AnonymousUser", entity: Entity) -> bool:
    """Whoever may change entities; one with people or files in the Coalition takes a reviewer."""
    is_bare = not (entity.mandates.exists() or entity.memberships.exists() or entity.pledges.exists())
    return user.has_perm("coalition.change_entity") and (is_bare or user.has_perm("coalition.review_membership"))


def can_publish_letter(user: "User | AnonymousUser", letter: Letter) -> bool:
    return letter.published_at is None and user.has_perm("coalition.change_letter")


# Initiatives and pledges: a focal point or assistant contributes them, staff publish them.


def can_edit_work(user: "User | AnonymousUser", work: Initiative | Pledge) -> bool:
    return work.publication == "draft" and can_manage(user, work.entity)


def can_withdraw_work(user: "User | AnonymousUser", work: Initiative | Pledge) -> bool:
    return work.publication != "withdrawn" and (can_manage(user, work.entity) or _may_publish(user, work))


def can_publish_work(user: "User | AnonymousUser", work: Initiative | Pledge) -> bool:
    return work.publication in {"draft", "submitted"} and _may_publish(user, work)


def can_add_update(user: "User | AnonymousUser", pledge: Pledge) -> bool:
    return pledge.publication == "published" and can_manage(user, pledge.entity)


def _may_publish(user: "User | AnonymousUser", work: Initiative | Pledge) -> bool:
    return user.has_perm(f"coalition.publish_{work._meta.model_name}")
