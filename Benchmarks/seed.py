"""Makes stores with many connections: one is created through the API, the rest are copies of its row.

A seeded store is kept, and made anew when the schema, this file or the number of rows changes.
"""

import hashlib
import http.client
import json
import os
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server import HOST, Patchbay

API_KEY = "benchmark-key-on-loopback-only-0123456789"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# An id is conn_ + ID_START + six characters that count the rows + ID_END: ULIDs a millisecond apart, which load.lua
# makes too.
ID_START = "01JZ"
ID_END = "8Q2M4V6X0ZC3E5G7"
MAX_ROWS = 32**6

STATUSES = ["active"] * 16 + ["inactive", "testing", "error", "expired"]
CONFIG = {"team": "T0123456789", "channel": "general", "purpose": "x" * 45}


@dataclass(frozen=True)
class Row:
    """What differs from one copy to the next."""

    id: str
    key: int
    label: str
    status: str
    user_id: str | None
    search_text: str
    at: int


def crockford(number: int, length: int) -> str:
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(length)))


def row_key(ulid: str) -> int:
    """The number that the store keeps a connection under: bits 57 to 119 of its id."""
    value = 0
    for character in ulid:
        value = value << 5 | CROCKFORD.index(character)
    return value >> 57 & (1 << 63) - 1


def rows(count: int, start: int) -> Iterator[Row]:
    users = max(1, count // 100)
    for number in range(count):
        label = f"Team {number}"
        user_id = f"user-{number // 10 % users}" if number % 10 == 0 else None
        ulid = f"{ID_START}{crockford(number, 6)}{ID_END}"
        yield Row(
            id=f"conn_{ulid}",
            key=row_key(ulid),
            label=json.dumps(label),
            status=STATUSES[number * 7 % len(STATUSES)],
            user_id=user_id,
            search_text="\n".join(part for part in [label.lower(), "slack", user_id] if part),
            at=start + number * 1000,
        )


# MARK: The first one


def create_first(server: Patchbay) -> None:
    body = {
        "integration": "slack", "integration_type": "connectors", "label": "First", "config": CONFIG,
        "credentials": {"bot_token": "xoxb-000000000000-benchmark"},
    }
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(HOST, server.port, timeout=30)) as connection:
        connection.request("POST", "/api/v1/connections", json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
    if response.status != 200:
        sys.exit(f"seeding: POST answered {response.status}: {answer.decode()}")


# MARK: The copies


def column_names(database: sqlite3.Connection, table: str) -> list[str]:
    return [column[1] for column in database.execute(f"PRAGMA table_info({table})")]


def insert_copies(database: sqlite3.Connection, table: str, varied: dict[str, str], count: int) -> None:
    """Copies the one row of a table; `varied` says which columns come from which attribute of Row."""
    names = column_names(database, table)
    template = dict(zip(names, database.execute(f"SELECT {', '.join(names)} FROM {table}").fetchone()))
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    getters = [varied.get(name) for name in names]
    constants = [template[name] for name in names]
    start = template.get("created_at", 0) - count * 1000
    database.executemany(statement, (
        [getattr(row, getter) if getter else constant for getter, constant in zip(getters, constants)]
        for row in rows(count, start)))


def write_counts(database: sqlite3.Connection, count: int) -> None:
    workspace, kind = database.execute("SELECT workspace_id, integration_type FROM connection_count").fetchone()
    database.execute("DELETE FROM connection_count")
    totals = Counter()
    for row in rows(count, 0):
        totals["", row.status] += 1
        if row.user_id:
            totals[row.user_id, row.status] += 1
    database.executemany(
        "INSERT INTO connection_count (workspace_id, user_id, integration_type, status, shard, total)"
        " VALUES (?, ?, ?, ?, 0, ?)",
        [(workspace, user, kind, status, total) for (user, status), total in totals.items()])


def clone(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -262144")
        first = database.execute("SELECT workspace_id, id FROM connection").fetchone()
        database.execute("BEGIN")
        insert_copies(database, "connection", {
            "id": "id", "key": "key", "label": "label", "status": "status", "user_id": "user_id", "search_text": "search_text",
            "created_at": "at", "updated_at": "at"}, count)
        insert_copies(database, "connection_secret", {"connection_id": "id"}, count)
        for table in ["connection_secret", "connection_check"]:
            database.execute(f"DELETE FROM {table} WHERE workspace_id = ? AND connection_id = ?", first)
        database.execute("DELETE FROM connection WHERE workspace_id = ? AND id = ?", first)
        write_counts(database, count)
        database.execute("COMMIT")
        check(database, count)
        database.execute("PRAGMA journal_mode = WAL")


def check(database: sqlite3.Connection, count: int) -> None:
    found = database.execute("SELECT COUNT(*) FROM connection").fetchone()[0]
    counted = database.execute("SELECT SUM(total) FROM connection_count WHERE user_id = ''").fetchone()[0]
    dangling = database.execute("PRAGMA foreign_key_check").fetchone()
    if (found, counted, dangling) != (count, count, None):
        sys.exit(f"seeding: {found} rows, {counted} counted, {count} wanted, dangling: {dangling}")


# MARK: Kept stores


def fingerprint(repository: Path) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for migration in sorted(repository.glob("Sources/Storage/SQL/Migration*.swift")):
        digest.update(migration.read_bytes())
    return digest.hexdigest()[:12]


def seeded(repository: Path, binary: Path, folder: Path, count: int) -> Path:
    """A data folder with `count` connections, made now unless an earlier run left it."""
    kept = folder / f"seed-{count}-{fingerprint(repository)}"
    if kept.exists():
        return kept
    for stale in folder.glob(f"seed-{count}-*"):
        shutil.rmtree(stale)
    begin = time.monotonic()
    making = folder / f"making-{count}"
    shutil.rmtree(making, ignore_errors=True)
    server = Patchbay(binary, making, API_KEY)
    with server:
        create_first(server)
    server.log.unlink()
    clone(making / "patchbay.db", count)
    making.rename(kept)
    print(f"seeded {count:,} connections in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return kept


def copy(source: Path, target: Path) -> None:
    """A fresh copy to be written to, on the disk before anything is measured."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=lambda _, names: [name for name in names if name.endswith(".sock")])
    os.sync()
