"""`manage.py demo`: the whole portal on this computer, with its worker, until Ctrl+C."""

import ctypes
import hashlib
import http.client
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, connection, connections, transaction

from ewaste_portal.database import DatabaseUnavailable, check_server
from ewaste_portal.models import User

HOST = "127.0.0.1"  # the address printed says localhost: passkeys need a name
STAFF = "staff@example.org"
WEB_SERVER = "-m granian --interface wsgi --no-ws --workers 2 --blocking-threads 4 --log-level warning"
WORKER = "manage.py db_worker --interval 1 --queue-name * --no-reload --skip-checks --verbosity 0"
PATIENCE = 8
PR_SET_PDEATHSIG = 1


class Command(BaseCommand):
    help = "Runs the whole portal on this computer, with a database, a worker and a starting catalogue."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--new-password", action="store_true", help=f"only give {STAFF} a new password")

    def handle(self, *, port: int, new_password: bool, **options: Any) -> None:
        if not settings.PORTAL_DEMO:
            raise CommandError("This command is for looking around only: run `make demo`, or set PORTAL_DEMO=true.")
        if not new_password:
            _check_port(port)
        _check_database()
        call_command("migrate", verbosity=0, interactive=False)
        if not new_password:
            self.prepare()
        self.stdout.write(_prepare_staff(new_password=new_password))
        connections.close_all()
        if not new_password:
            self.serve(port)

    def prepare(self) -> None:
        """What takes time is done only when something changed."""
        if _catalogues_are_old():
            call_command("compile_catalogues", verbosity=0)
        if not apps.get_model("knowledge", "Resource")._default_manager.exists():
            self.stdout.write("Loading the starting catalogue ...")
            call_command("load_demo", verbosity=0)
            call_command("make_seal_key", verbosity=0, stdout=io.StringIO())
            call_command("load_examples", verbosity=0)
            call_command("load_dialogues", verbosity=0, stdout=io.StringIO())
        call_command("load_dialogue_examples", verbosity=0, stdout=io.StringIO())  # moves the live one to now
        stamp, state = Path(settings.STATIC_ROOT, ".stamp"), _static_files_state()
        if not stamp.exists() or stamp.read_text() != state:
            self.stdout.write("Collecting the static files ...")
            call_command("collectstatic", verbosity=0, interactive=False)
            stamp.write_text(state)

    def serve(self, port: int) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup keeps its meaning
                signal.signal(number, lambda *_: stop.set())
        parts = _start_parts(port)
        try:
            if _wait_for_first_page(port, parts, stop):
                ready = self.style.SUCCESS("The portal is ready:")
                self.stdout.write(f"{ready} http://localhost:{port} (Ctrl+C stops it)")
                self.stdout.flush()  # also into a pipe or a file
            while not stop.wait(0.5) and _all_run(parts):
                pass
        finally:
            codes = {name: part.poll() for name, part in parts.items()}
            _stop_parts(parts)
        for name, code in codes.items():
            if code is not None and not stop.is_set():
                raise CommandError(
                    f"The {name} stopped by itself (code {code}), and the rest with it: see the lines above."
                )
        self.stdout.write("Stopped.")


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            other = port + 1 if 1024 <= port < 65535 else 8000
            raise CommandError(
                f"Port {port} cannot be used ({_reason(error)}): try `make demo PORT={other}`."
            ) from error


def _check_database() -> None:
    try:
        problems = check_server(connection)
    except DatabaseUnavailable:
        raise
    except OperationalError as error:
        raise CommandError(
            f"The database does not answer ({_reason(error)}): "
            "start the server that DATABASE_URL names, or unset DATABASE_URL to use the embedded one."
        ) from error
    if problems:
        raise CommandError(" ".join(problems))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).strip().splitlines()[0].strip()


@transaction.atomic
def _prepare_staff(*, new_password: bool) -> str:
    """Make the staff account at the first start. Returns what to tell the person at the terminal."""
    user = User.objects.filter(email=STAFF).first()
    if user and not new_password:
        return f"Staff sign-in: {STAFF}; `make password` gives it a new password."
    password = secrets.token_urlsafe(12)
    if user:
        user.set_password(password)
        user.save(update_fields=["password"])
    else:
        user = User.objects.create_superuser(STAFF, password)
    EmailAddress.objects.update_or_create(user=user, email=STAFF, defaults={"verified": True, "primary": True})
    return f"Staff sign-in: {STAFF}, password {password} (shown this once)"


def _catalogues_are_old() -> bool:
    for folder in settings.LOCALE_PATHS:
        for source in Path(folder).glob("*/LC_MESSAGES/*.po"):
            compiled = source.with_suffix(".mo")
            if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
                return True
    return False


def _static_files_state() -> str:
    """Changes with the path, size or date of any static file."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = os.stat(storage.path(name))  # noqa: PTH116  half the time of Path for some 300 files
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _start_parts(port: int) -> dict[str, subprocess.Popen[bytes]]:
    commands = {
        "web server": [*WEB_SERVER.split(), "--host", HOST, "--port", str(port), "ewaste_portal.wsgi:application"],
        "worker": WORKER.split(),
    }
    environment = {"PORTAL_ORIGIN": f"http://localhost:{port}", **os.environ}
    die_with_parent = _die_with_parent() if sys.platform == "linux" else None
    return {
        name: subprocess.Popen(  # noqa: S603  our own words
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            start_new_session=True,  # Ctrl+C reaches us alone, and we stop them in order
            preexec_fn=die_with_parent,
        )
        for name, arguments in commands.items()
    }


def _die_with_parent() -> Any:
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _all_run(parts: dict[str, subprocess.Popen[bytes]]) -> bool:
    return all(part.poll() is None for part in parts.values())


def _wait_for_first_page(port: int, parts: dict[str, subprocess.Popen[bytes]], stop: threading.Event) -> bool:
    while not stop.wait(0.1) and _all_run(parts):
        page = http.client.HTTPConnection(HOST, port, timeout=10)
        try:
            page.request("GET", "/en/", headers={"Host": f"localhost:{port}"})
            page.getresponse()
        except (OSError, http.client.HTTPException):
            continue
        finally:
            page.close()
        return True
    return False


def _stop_parts(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    for part in parts.values():
        part.terminate()
    deadline = time.monotonic() + PATIENCE
    for part in parts.values():
        with suppress(subprocess.TimeoutExpired):
            part.wait(max(0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)  # also what a killed part left behind, such as granian's workers
        part.wait()
