"""Open nbgrader's gradebook, make it where it is absent, and refuse one of another age."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from grading.gradebook._patience import Patience
from grading.gradebook._tables import HEAD, TABLES
from grading.refusals import Refusal

__all__ = ["is_sqlite", "open_gradebook"]

BUSY_S = 30
"""Seconds that SQLite waits for another program, formgrader for example, to end its writing."""


def is_sqlite(engine: Engine) -> bool:
    """Tell whether a gradebook lies in SQLite.

    Parameters
    ----------
    engine : Engine
        The gradebook.

    Returns
    -------
    bool
        Otherwise it is PostgreSQL.
    """
    return engine.dialect.name == "sqlite"


def open_gradebook(db_url: str, patience: Patience) -> Engine:
    """Open a gradebook.

    Parameters
    ----------
    db_url : str
        ``"sqlite:///…/gradebook.db"`` or ``"postgresql+psycopg2://…"``.
    patience : Patience
        How long to wait for a database that is away.

    Returns
    -------
    Engine
        With nbgrader's tables in it.

    Raises
    ------
    Refusal
        If the URL is none of ours, or the tables are of another version of nbgrader.
    """
    url = _url(db_url)
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    try:
        patience.run(lambda: _prepare(engine), url)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _url(db_url: str) -> URL:
    try:
        url = make_url(db_url)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        msg = (
            "db_url: this is no address of a gradebook. Give sqlite:///FILE or "
            "postgresql+psycopg2://USER@HOST/NAME."
        )
        raise Refusal(msg) from error
    except ImportError as error:
        msg = 'db_url: the driver of PostgreSQL is missing. Run: pip install "nncourse[cluster]"'
        raise Refusal(msg) from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        named = url.render_as_string(hide_password=True)
        msg = f"{named}: the gradebook can lie in SQLite or PostgreSQL only. Give one of these."
        raise Refusal(msg)
    return url


def _postgresql(url: URL) -> Engine:
    connect: dict[str, Any] = {"connect_timeout": 10}
    return create_engine(url, pool_pre_ping=True, connect_args=connect)


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver would begin a transaction too late
        # Whoever is erased shall not stay legible in the file's free pages.
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # Taking the lock at the start waits; taking it halfway fails at once if somebody else
        # wrote meanwhile. The journal mode stays as it is: WAL needs shared memory, which class
        # folders on network drives do not give.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _older_versions() -> set[str]:
    """Name the states of its tables that nbgrader knows how to upgrade."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import ALEMBIC_DIR  # takes seconds to import, and is seldom asked for

    config = Config()
    config.set_main_option("script_location", ALEMBIC_DIR)
    script = ScriptDirectory.from_config(config)
    return {each.revision for each in script.walk_revisions("base", HEAD)} - {HEAD}


def _prepare(engine: Engine) -> None:
    """Look at the version of a gradebook, and make what tables it lacks."""
    with engine.begin() as connection:
        tables = set(inspect(connection).get_table_names())
        if tables:
            _check_version(connection, tables)
        else:
            # As nbgrader does, but for starting alembic by its name, which needs it on the PATH.
            connection.execute(
                text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        if not tables.issuperset(TABLES.tables):  # all, or those that an upgrade left out
            TABLES.create_all(connection)


def _check_version(connection: Connection, tables: set[str]) -> None:
    named = connection.engine.url.render_as_string(hide_password=True)
    if "assignment" not in tables:
        msg = f"{named}: this database holds something else than a gradebook. Give another db_url."
        raise Refusal(msg)
    version = None
    if "alembic_version" in tables:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version == HEAD:
        return
    if version is None or version in _older_versions():
        msg = (
            f"{named}: an older nbgrader made this gradebook. "
            "Make a copy of it, then run: nbgrader db upgrade"
        )
        raise Refusal(msg)
    msg = (
        f"{named}: a newer nbgrader made this gradebook than this course knows. Update the course, "
        "or go on with nbgrader itself."
    )
    raise Refusal(msg)
