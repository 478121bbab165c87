"""Desired outputs, expected outcomes, and what came of them."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coalition.exports import csv_file
from dialogue import outcomes as outcomes_of
from dialogue.views.shared import follow_moved, get_dialogue, page
from ewaste_portal.addresses import absolute


@require_safe
@follow_moved
def outcomes(request: HttpRequest, slug: str) -> HttpResponse:
    """What was to come of it, how each stands, and everything since the Letter in the order of its date."""
    dialogue = get_dialogue(request, slug)
    board = outcomes_of.board(dialogue)
    context = {
        **page(request, dialogue, "outcomes"),
        "board": board,
        "timeline": outcomes_of.timeline(dialogue, board),
    }
    return render(request, "dialogue/outcomes.html", context)


@require_safe
@follow_moved
def outcomes_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """A line for each word, the last first; one line for an output or outcome of which nobody has said anything.

    address: of the output or outcome on its page. kind: output or outcome. number: its place in its list. text: in the
    reader's language where there is one. owner: the entity that answers for it. due_on, last_word_on: days. status: that
    of the last word. on, word, note: day, status and text of this line's word. evidence: “name <address>” of each piece
    that is public, with semicolons between. Statuses are codes of the vocabulary outcome_status; empty: no word yet.
    made_up_for_the_demonstration: yes or no. Four queries.
    """
    dialogue = get_dialogue(request, slug)
    rows = outcomes_of.rows(dialogue, outcomes_of.board(dialogue), absolute)
    return csv_file(f"outcomes-{dialogue.slug}", outcomes_of.COLUMNS, rows)
