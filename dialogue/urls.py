from django.urls import path

from dialogue.views import attend, changes, documents, events, exchange, outcomes, people, questions, statements, wall

app_name = "dialogue"

urlpatterns = [
    # the chain of all dialogues
    path("dialogues/", events.DialogueListView.as_view(), name="dialogue_list"),
    path("dialogues/joined/", people.joined, name="joined"),
    path("dialogues/joined.csv", people.joined_csv, name="joined_csv"),
    path("dialogues/calendar.ics", exchange.all_calendar, name="all_calendar"),
    path("dialogues/schedule.xml", exchange.all_schedule_xml, name="all_schedule_xml"),
    path("dialogues/schedule.json", exchange.all_schedule_json, name="all_schedule_json"),
    path("dialogues/changes.atom", changes.all_changes_feed, name="all_changes_feed"),
    path("dialogues/of/<slug:entity>/calendar.ics", exchange.entity_calendar, name="entity_calendar"),
    # one dialogue
    path("dialogues/<slug:slug>/", events.dialogue_detail, name="dialogue_detail"),
    path("dialogues/<slug:slug>/agenda/", events.agenda, name="agenda"),
    path("dialogues/<slug:slug>/sessions/<slug:session>/", events.session_detail, name="session_detail"),
    path("dialogues/<slug:slug>/full/", events.full, name="full"),
    path("dialogues/<slug:slug>/people/", people.people, name="people"),
    path("dialogues/<slug:slug>/documents/", documents.documents, name="documents"),
    path("dialogues/<slug:slug>/documents.zip", documents.documents_zip, name="documents_zip"),
    path("dialogues/<slug:slug>/documents/<uuid:uid>/", documents.document_file, name="document_file"),
    path("dialogues/<slug:slug>/statements/new/", statements.statement_new, name="statement_new"),
    path("dialogues/<slug:slug>/statements/<uuid:uid>/", statements.statement_detail, name="statement_detail"),
    path("dialogues/<slug:slug>/statements/<uuid:uid>/edit/", statements.statement_edit, name="statement_edit"),
    path("dialogues/<slug:slug>/statements/<uuid:uid>/file/", statements.statement_file, name="statement_file"),
    path("dialogues/<slug:slug>/outputs-and-outcomes/", outcomes.outcomes, name="outcomes"),
    path("dialogues/<slug:slug>/outcomes.csv", outcomes.outcomes_csv, name="outcomes_csv"),
    path("dialogues/<slug:slug>/changes/", changes.changes, name="changes"),
    path("dialogues/<slug:slug>/changes.atom", changes.changes_feed, name="changes_feed"),
    # questions
    path("dialogues/<slug:slug>/questions/", questions.questions, name="questions"),
    path("dialogues/<slug:slug>/questions.csv", questions.questions_csv, name="questions_csv"),
    path("dialogues/<slug:slug>/questions/ask/", questions.ask, name="ask"),
    path("dialogues/<slug:slug>/questions/<uuid:uid>/support/", questions.support, name="support"),
    path("dialogues/<slug:slug>/questions/<uuid:uid>/answer/", questions.answer, name="answer_question"),
    path("dialogues/<slug:slug>/answers/<uuid:uid>.<slug:format>", questions.answer_cite, name="answer_cite"),
    path("dialogues/<slug:slug>/questions/desk/<str:token>/", questions.desk, name="desk"),
    # signing ceremony
    path("dialogues/<slug:slug>/wall/", wall.wall, name="wall"),
    path("dialogues/<slug:slug>/wall/now/", wall.wall_now, name="wall_now"),
    path("dialogues/<slug:slug>/signatories.csv", wall.signatories_csv, name="signatories_csv"),
    # attend
    path("dialogues/<slug:slug>/attend/", attend.attend, name="attend"),
    path("dialogues/<slug:slug>/attend/confirm/<uuid:uid>/", attend.confirm, name="attend_confirm"),
    path("dialogues/<slug:slug>/attend/mine/<str:token>/", attend.mine, name="my_attendance"),
    path("dialogues/<slug:slug>/attend/mine/<str:token>/calendar.ics", attend.my_calendar, name="my_calendar"),
    path("dialogues/<slug:slug>/attend/list/", attend.attendance_list, name="attendance_list"),
    # files of one dialogue
    path("dialogues/<slug:slug>/calendar.ics", exchange.dialogue_calendar, name="dialogue_calendar"),
    path("dialogues/<slug:slug>/sessions/<slug:session>.ics", exchange.session_calendar, name="session_calendar"),
    path("dialogues/<slug:slug>/schedule.xml", exchange.schedule_xml, name="schedule_xml"),
    path("dialogues/<slug:slug>/schedule.json", exchange.schedule_json, name="schedule_json"),
    path("dialogues/<slug:slug>/dialogue.json", exchange.dialogue_json, name="dialogue_json"),
    path("dialogues/<slug:slug>/agenda.txt", exchange.agenda_text, name="agenda_text"),
    path("dialogues/<slug:slug>/agenda.pdf", exchange.agenda_pdf, name="agenda_pdf"),
    path("dialogues/<slug:slug>/run-of-show.pdf", exchange.run_of_show_pdf, name="run_of_show_pdf"),
    # people over time
    path("people/<slug:slug>/", people.person_detail, name="person_detail"),
]
