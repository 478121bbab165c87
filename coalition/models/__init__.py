"""What the Coalition is made of: entities and their people, letters, memberships and signatures, the journal, and work."""

from coalition.models.entities import ENTITY_KINDS, NAME_COLUMNS, Entity, Folded, Mandate
from coalition.models.journal import JournalEntry
from coalition.models.letters import Letter, LetterText
from coalition.models.membership import Invitation, Membership, Round, Signature
from coalition.models.work import Initiative, Pledge, PledgeUpdate

__all__ = [
    "ENTITY_KINDS", "NAME_COLUMNS", "Entity", "Folded", "Initiative", "Invitation", "JournalEntry", "Letter", "LetterText",
    "Mandate", "Membership", "Pledge", "PledgeUpdate", "Round", "Signature",
]  # fmt: skip
