from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EwastePortalConfig(AppConfig):
    name = "ewaste_portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from ewaste_portal import checks  # noqa: F401, PLC0415  registers the system checks
        from ewaste_portal.reference import load_reference_data  # noqa: PLC0415

        post_migrate.connect(load_reference_data, sender=self)
