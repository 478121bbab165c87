"""Who may do what with a resource: small predicates that views, templates and the admin ask."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from ewaste_portal.models import User
    from knowledge.models import Resource

EDITORS, PUBLISHERS = "Editor", "Publisher"  # names of the two groups


def can_curate(user: "User | AnonymousUser") -> bool:
    return user.has_perm("knowledge.change_resource")


def can_submit(user: "User | AnonymousUser", resource: "Resource") -> bool:
    return resource.state == "draft" and user.has_perm("knowledge.review_resource")


def can_return(user: "User | AnonymousUser", resource: "Resource") -> bool:
    return resource.state == "in-review" and user.has_perm("knowledge.review_resource")


def can_publish(user: "User | AnonymousUser", resource: "Resource") -> bool:
    return resource.state in {"draft", "in-review"} and user.has_perm("knowledge.publish_resource")


def can_withdraw(user: "User | AnonymousUser", resource: "Resource") -> bool:
    return resource.state == "published" and user.has_perm("knowledge.publish_resource")


def can_reinstate(user: "User | AnonymousUser", resource: "Resource") -> bool:
    return resource.state == "withdrawn" and user.has_perm("knowledge.publish_resource")
