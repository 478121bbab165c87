"""The portal's settings for tests: safe values, a PostgreSQL of their own, tasks at once."""

import os
import tempfile
from pathlib import Path

os.environ["PORTAL_DEMO"] = "true"
os.environ["SECRET_KEY"] = "tests-" + "x" * 60
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
os.environ["LOG_LEVEL"] = "ERROR"

from ewaste_portal.settings import *  # noqa: F403
from ewaste_portal.settings import BASE_DIR, DATABASES, STORAGES

if "home" in DATABASES["default"].get("OPTIONS", {}):
    DATABASES["default"]["OPTIONS"] = {"home": BASE_DIR / "var" / "pg-tests", "durable": False}
DATABASES["default"]["CONN_MAX_AGE"] = 0
MEDIA_ROOT = tempfile.mkdtemp(prefix="portal-media-")
STATIC_ROOT = Path(tempfile.mkdtemp(prefix="portal-static-"))
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend", "QUEUES": ["default", "mail"]}}
EMAIL_FILE_PATH = tempfile.mkdtemp(prefix="portal-mail-")
MAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PORTAL_INDEXED = True
PORTAL_BURST_SECONDS = 0  # a test reads what it has just written
PORTAL_SEAL_KEY = PORTAL_SEAL_CERTIFICATES = ""  # what a developer's demo seals with stays out of the tests
