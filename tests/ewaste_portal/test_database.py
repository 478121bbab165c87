"""The embedded PostgreSQL, tried with real servers in temporary folders; only recorded processes are killed."""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from django.db import connection

from ewaste_portal.database import check_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
import psycopg2
from ewaste_portal.database import DatabaseUnavailable, ensure_server
try:
    server = ensure_server(Path(sys.argv[1]), "portal", durable=False)
except DatabaseUnavailable as error:
    sys.exit(str(error))
connection = psycopg2.connect(host=server["HOST"], port=server["PORT"], user=server["USER"], dbname="portal")
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_advisory_xact_lock(1)")
    cursor.execute("CREATE TABLE IF NOT EXISTS visit (at timestamptz DEFAULT now()); INSERT INTO visit DEFAULT VALUES")
    cursor.execute("SELECT count(*) FROM visit")
    number = cursor.fetchone()[0]
connection.commit()
print(number, flush=True)
sys.stdin.read()
"""


class Visitor:
    """A process that uses the server of `home` until it is told to leave."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def visits(self) -> int:
        """How often the database was visited, this time included."""
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def leave(self) -> str:
        """End the process the ordinary way; what it complained about."""
        return self.process.communicate("", timeout=60)[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home below a folder that only its owner may enter; each test leaves its server stopped."""
    with tempfile.TemporaryDirectory(prefix="portal-") as folder:
        home = Path(folder, "var", "pg")
        yield home
        if server := running_server(home):
            server.kill()
            psutil.wait_procs([server], timeout=10)


@pytest.fixture
def visit() -> Iterator[Callable[[Path], Visitor]]:
    visitors: list[Visitor] = []

    def start(home: Path) -> Visitor:
        visitors.append(Visitor(home))
        return visitors[-1]

    yield start
    for visitor in visitors:
        if visitor.process.returncode is None:
            visitor.kill()


Visit = Callable[[Path], Visitor]


def running_server(home: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int((home / "data" / "postmaster.pid").read_text().split()[0]))
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, psutil.Error):
        return None


def kill_server(home: Path) -> None:
    server = running_server(home)
    assert server
    server.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while running_server(home):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_server_lives_as_long_as_somebody_uses_it(home: Path, visit: Visit) -> None:
    first, second = visit(home), visit(home)
    assert abs(first.visits() - second.visits()) == 1
    assert first.leave() == ""
    assert running_server(home)

    assert second.leave() == ""
    assert running_server(home) is None


def test_five_processes_at_once_share_one_server(home: Path, visit: Visit) -> None:
    visitors = [visit(home) for _ in range(5)]

    visits = sorted(visitor.visits() for visitor in visitors)
    assert [number - visits[0] for number in visits] == [0, 1, 2, 3, 4]

    assert [visitor.leave() for visitor in visitors] == [""] * 5
    assert running_server(home) is None


def test_killed_server_is_started_again_with_its_data(home: Path, visit: Visit) -> None:
    witness = visit(home)
    before = witness.visits()
    kill_server(home)

    visitor = visit(home)

    assert visitor.visits() == before + 1
    assert (witness.leave(), visitor.leave()) == ("", "")
    assert running_server(home) is None


def test_server_left_by_a_killed_process_is_stopped_by_the_next(home: Path, visit: Visit) -> None:
    killed = visit(home)
    before = killed.visits()
    killed.kill()
    assert running_server(home)

    visitor = visit(home)

    assert visitor.visits() == before + 1
    assert visitor.leave() == ""
    assert running_server(home) is None


def test_only_the_owner_reaches_the_server(home: Path, visit: Visit) -> None:
    visitor = visit(home)
    assert visitor.visits()

    assert (home.stat().st_mode & 0o777, home.parent.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    assert (home / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    server = running_server(home)
    assert server
    assert server.uids().effective != 0
    assert [found for found in server.net_connections() if found.family.name != "AF_UNIX"] == []

    assert visitor.leave() == ""


def test_home_with_a_long_path_gets_a_socket_elsewhere(home: Path, visit: Visit) -> None:
    visitor = visit(home / ("long" * 25))

    assert visitor.visits() == 1

    assert visitor.leave() == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_cluster_of_another_user_is_refused_with_one_sentence(tmp_path: Path, visit: Visit) -> None:
    home = tmp_path / "pg"
    (home / "data").mkdir(parents=True)
    owner = pwd.getpwnam("daemon")
    os.chown(home / "data", owner.pw_uid, owner.pw_gid)

    assert visit(home).leave() == (
        f"The database in {home} was made by another user (daemon): run the command as that user, "
        "set PORTAL_VAR to another folder, or set DATABASE_URL to a PostgreSQL server of your own.\n"
    )


def test_command_that_asks_nothing_of_the_database_starts_no_server(tmp_path: Path) -> None:
    settings = {"PORTAL_DEMO": "true", "PORTAL_VAR": str(tmp_path), "DATABASE_URL": ""}
    command = [sys.executable, "manage.py", "check", "--settings", "ewaste_portal.settings"]

    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=True, capture_output=True)

    assert not (tmp_path / "pg").exists()


@pytest.mark.django_db
def test_embedded_server_fits_the_portal() -> None:
    assert check_server(connection) == []


@pytest.mark.django_db
def test_database_with_the_plain_c_locale_is_reported() -> None:
    """Here É is lower-cased, but pg_trgm, which looks at LC_CTYPE, sees no letter of it."""
    name = f"{connection.settings_dict['NAME']}_plain_c"
    address = connection.get_connection_params()
    keeper = psycopg2.connect(host=address["host"], port=address["port"], user=address["user"], dbname="postgres")
    keeper.autocommit = True
    with keeper.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc")
    plain = connection.copy()
    plain.settings_dict = {**connection.settings_dict, "NAME": name}

    try:
        with plain.cursor() as cursor:
            cursor.execute("CREATE EXTENSION pg_trgm")
        assert check_server(plain) == [
            "The database's locale cannot lower-case É and Cyrillic: create it with the locale C.UTF-8.",
            "The database's LC_CTYPE hides Cyrillic letters from pg_trgm: create it with LC_CTYPE 'C.UTF-8'.",
        ]
    finally:
        plain.close()
        with keeper.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
        keeper.close()
