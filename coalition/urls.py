from django.urls import path

from coalition import views

app_name = "coalition"

urlpatterns = [
    path("", views.CoalitionView.as_view(), name="home"),
    path("entities/", views.EntityListView.as_view(), name="entity_list"),
    path("entities/<slug:slug>/", views.EntityDetailView.as_view(), name="entity_detail"),
]
