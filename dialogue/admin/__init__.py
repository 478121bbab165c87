"""The Dialogue in the back office."""

from dialogue.admin import events, outcomes, papers, questions  # each registers its models

__all__ = ["events", "outcomes", "papers", "questions"]
