"""Settings of the portal, from the environment alone. docs/operations.md lists every variable."""

from pathlib import Path

from django.utils.translation import gettext_lazy as _

from ewaste_portal import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("PORTAL_VAR", default=str(BASE_DIR / "var")))

# What this portal is ---------------------------------------------------------
PORTAL_DEMO = env.boolean("PORTAL_DEMO", default=False)
PORTAL_NAME = env.text("PORTAL_NAME", default="")  # empty: the translated default of context.py
PORTAL_NOTICE = env.text("PORTAL_NOTICE", default="")  # empty: the translated default of context.py
PORTAL_ORIGIN = env.origin("PORTAL_ORIGIN", default="http://localhost:8000" if PORTAL_DEMO else None)
PORTAL_CONTACT = env.text("PORTAL_CONTACT", default="contact@example.org" if PORTAL_DEMO else None)
PORTAL_STAFF_MFA = env.boolean("PORTAL_STAFF_MFA", default=not PORTAL_DEMO)
PORTAL_BURST_SECONDS = env.integer("PORTAL_BURST_SECONDS", default=1)
PORTAL_INDEXED = env.boolean("PORTAL_INDEXED", default=True)

# Core -------------------------------------------------------------------------
SECRET_KEY = env.secret_key(demo=PORTAL_DEMO, var=VAR_DIR)
DEBUG = env.boolean("DEBUG", default=False)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"] if PORTAL_DEMO else None)
HTTPS = PORTAL_ORIGIN.startswith("https://")
WSGI_APPLICATION = "ewaste_portal.wsgi.application"
ROOT_URLCONF = "ewaste_portal.urls"
AUTH_USER_MODEL = "ewaste_portal.User"
FORMS_URLFIELD_ASSUME_HTTPS = True
SILENCED_SYSTEM_CHECKS = ["admin.E404"]  # context.messages stands in for Django's, which would read every session
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

INSTALLED_APPS = [
    "modeltranslation",  # before the admin, whose classes it extends
    "ewaste_portal.admin_config.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "ewaste_portal",  # before allauth and forms: its templates and static files win
    "coalition",
    "knowledge",
    "dialogue",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_tasks",
    "django_tasks_db",
    "import_export",
    "pghistory",
    "pgtrigger",
]

MIDDLEWARE = [
    "ewaste_portal.middleware.RequestIdMiddleware",
    "ewaste_portal.middleware.CachePolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "ewaste_portal.middleware.PermissionsPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "ewaste_portal.middleware.BurstMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "ewaste_portal.middleware.MethodNotAllowedMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "ewaste_portal.context.messages",
                "ewaste_portal.context.portal",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# Data ---------------------------------------------------------------------------
DATABASES = {"default": env.database(var=VAR_DIR)}
DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"},
}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "mail"]}}
# A GET must not read the user: it would vary by cookie.
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")
PGHISTORY_ADMIN_ALL_EVENTS = False

MEDIA_ROOT = env.text("MEDIA_ROOT", default=str(VAR_DIR / "media"))
MEDIA_URL = "/media/"  # for staff alone; readers get files by views that ask who may see them
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the screen that prepares a dialogue: all its sessions and people in one form
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "ewaste_portal.staticfiles.HashedStaticFilesStorage"},
}
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_SKIP_ADMIN_LOG = False

# Languages: the six of the United Nations, each named in itself ---------------
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("ar", _("Arabic")),
    ("zh-hans", _("Chinese")),
    ("en", _("English")),
    ("fr", _("French")),
    ("ru", _("Russian")),
    ("es", _("Spanish")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("en",)
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["ewaste_portal.formats"]

# Accounts -----------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "coalition:own_work"  # the workspace, else the account
ACCOUNT_ADAPTER = "ewaste_portal.accounts.AccountAdapter"
MFA_ADAPTER = "ewaste_portal.accounts.MFAAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {"contact": "10/h/ip"}  # added to allauth's own limits
ACCOUNT_SIGNUP_BY_PASSKEY_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "ewaste_portal.forms.AddPasskeyForm",
    "signup_webauthn": "ewaste_portal.forms.SignupPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
USERSESSIONS_TRACK_ACTIVITY = False
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", default=0)

# Mail -----------------------------------------------------------------------------
mail = env.email(default="filemail://" if PORTAL_DEMO else "smtp://localhost:25")
vars().update(mail)
if PORTAL_DEMO:
    EMAIL_FILE_PATH = VAR_DIR / "mail"
MAIL_DELIVERY_BACKEND: str = mail["EMAIL_BACKEND"]
EMAIL_BACKEND = "ewaste_portal.mail.QueuedEmailBackend"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", default=PORTAL_CONTACT)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Certificates of the Coalition ------------------------------------------------------
PORTAL_SEAL_KEY = env.text("PORTAL_SEAL_KEY", default=str(VAR_DIR / "seal" / "key.pem") if PORTAL_DEMO else "")
PORTAL_SEAL_CERTIFICATES = env.text(
    "PORTAL_SEAL_CERTIFICATES", default=str(VAR_DIR / "seal" / "chain.pem") if PORTAL_DEMO else ""
)
PORTAL_FONTS = env.text("PORTAL_FONTS", default="")  # a folder with fonts for characters that ours lack

# Safety -----------------------------------------------------------------------------
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SECURE_SSL_REDIRECT = HTTPS and env.boolean("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "ewaste_portal.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # allauth draws the TOTP code as a data: image
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Logs: one line of JSON each, with the request's id and without personal data --------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "ewaste_portal.logs.RequestIdFilter"}},
    "formatters": {"json": {"()": "ewaste_portal.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["request_id"], "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", default="WARNING" if PORTAL_DEMO else "INFO")},
    "loggers": {"django.server": {"handlers": ["console"], "propagate": False}},
}
