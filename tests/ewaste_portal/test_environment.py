"""Settings come from the environment, strictly: what is missing or wrong stops the start with a sentence."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from ewaste_portal import environment as env

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "k3J" * 20 + "xyz0987654321",
    "ALLOWED_HOSTS": "portal.example.org",
    "PORTAL_ORIGIN": "https://portal.example.org",
    "PORTAL_CONTACT": "contact@example.org",
    "DATABASE_URL": "postgres://portal:secret@localhost:1/portal",
    "EMAIL_URL": "smtp+tls://user:secret@localhost:587",
}


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("PORTAL_TEST", raising=False)
    return "PORTAL_TEST"


@pytest.mark.parametrize("default", [True, False])
def test_boolean_that_is_not_set_is_its_default(variable: str, default: bool) -> None:
    assert env.boolean(variable, default=default) is default


@pytest.mark.parametrize(("value", "truth"), [("true", True), ("false", False), (" true ", True)])
def test_boolean_is_true_or_false(variable: str, value: str, truth: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    assert env.boolean(variable, default=not truth) is truth


@pytest.mark.parametrize("value", ["1", "0", "yes", "True", "FALSE", "on"])
def test_boolean_is_nothing_else(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured, match=r"PORTAL_TEST is .*: set it to true or false"):
        env.boolean(variable, default=False)


def test_text_without_a_default_must_be_set(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="PORTAL_TEST is not set"):
        env.text(variable)

    monkeypatch.setenv(variable, " words ")
    assert env.text(variable) == "words"


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "0"])
def test_integer_is_whole_and_large_enough(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        env.integer(variable, default=2, at_least=1)


def test_names_are_separated_by_commas(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.names(variable, default=["localhost"]) == ["localhost"]

    monkeypatch.setenv(variable, "a.example.org, b.example.org,")
    assert env.names(variable) == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    "value",
    ["portal.example.org", "https://", "ftp://a.org", "https://a.org/", "https://a.org/path", "https://a.org?x"],
)
def test_origin_is_scheme_and_host_alone(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured, match="set it to an address such as"):
        env.origin(variable)


@pytest.mark.parametrize("value", ["https://portal.example.org", "http://localhost:8000"])
def test_origin_is_taken_as_it_is(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    assert env.origin(variable) == value


def test_secret_key_must_be_set_and_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        env.secret_key(demo=False, var=tmp_path)

    monkeypatch.setenv("SECRET_KEY", "x" * 49)
    with pytest.raises(ImproperlyConfigured, match="too short"):
        env.secret_key(demo=False, var=tmp_path)

    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    assert env.secret_key(demo=False, var=tmp_path) == "x" * 50
    assert list(tmp_path.iterdir()) == []


def test_demo_makes_a_secret_key_of_its_own_and_keeps_it_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    var = tmp_path / "var"

    key = env.secret_key(demo=True, var=var)

    assert len(key) >= 50
    assert env.secret_key(demo=True, var=var) == key
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600


def test_database_is_embedded_unless_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert env.database(var=tmp_path)["ENGINE"] == "ewaste_portal.embedded"

    monkeypatch.setenv("DATABASE_URL", "postgres://portal:secret@db.example.org:5433/library")
    named = env.database(var=tmp_path)
    assert [named[key] for key in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD", "NAME")] == [
        "django.db.backends.postgresql", "db.example.org", 5433, "portal", "secret", "library"
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Engine not recognized:UserWarning")
@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://a:b@c/d", "nonsense", "postgres"])
def test_database_that_is_not_postgresql_is_refused(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database(var=tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "pigeon://localhost"])
def test_mail_address_that_makes_no_sense_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", url)

    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        env.email(default="smtp://localhost:25")


# The start as a whole ------------------------------------------------------------------------------------


def start(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these variables and nothing else of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "PORTAL_ORIGIN", "PORTAL_CONTACT"])
def test_production_does_not_start_without(missing: str, tmp_path: Path) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name != missing}

    done = start("check", PORTAL_VAR=str(tmp_path), **given)

    assert done.returncode != 0
    assert f"The portal cannot start: {missing} is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_checks_for_a_deployment_are_clean_in_production(tmp_path: Path) -> None:
    done = start("check", "--deploy", "--fail-level", "WARNING", PORTAL_VAR=str(tmp_path), **PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_demo_is_no_deployment(tmp_path: Path) -> None:
    done = start("check", "--deploy", PORTAL_VAR=str(tmp_path), **PRODUCTION, PORTAL_DEMO="true")

    assert done.returncode != 0
    assert "portal.E010" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SESSION_COOKIE_SECURE", True), ("CSRF_COOKIE_SECURE", True), ("SECURE_SSL_REDIRECT", True), ("DEBUG", False),
        ("SECURE_HSTS_SECONDS", 31_536_000), ("PORTAL_DEMO", False), ("PORTAL_STAFF_MFA", True), ("PORTAL_INDEXED", True),
        ("X_FRAME_OPTIONS", "DENY"), ("TASKS['default']['BACKEND']", "django_tasks_db.DatabaseBackend"),
    ],
)  # fmt: skip
def test_production_is_safe_by_default(setting: str, value: object, production: dict[str, object]) -> None:
    assert production[setting] == value


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The settings under the variables of production, read in a process of their own."""
    code = """
import json
from ewaste_portal import settings
given = {name: value for name, value in vars(settings).items() if isinstance(value, str | int | bool)}
print(json.dumps(given | {"TASKS['default']['BACKEND']": settings.TASKS["default"]["BACKEND"]}))
"""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, **PRODUCTION, "PORTAL_VAR": str(tmp_path_factory.mktemp("var"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(json.loads(done.stdout))
