from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Puts our back office in the place of Django's admin site."""

    default = True
    default_site = "ewaste_portal.backoffice.BackOffice"
