"""The contract's PUT as FastAPI and pydantic themselves carry it out: what the differential test compares with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

from support.server import free_port, wait_until


class ConnectionStatus(str, Enum):
    active = "active"
    inactive = "inactive"
    testing = "testing"
    error = "error"
    expired = "expired"


class ConnectionUpdate(BaseModel):
    """Schema for updating an existing connection."""

    label: str | None = Field(None, max_length=255)
    config: dict[str, Any] | None = Field(None, description="Updated configuration")
    status: ConnectionStatus | None = Field(None, description="Updated status")


def fresh() -> dict[str, Any]:
    """The visible state that a connection has before a case, here and on our side."""
    return {"label": "before", "config": {"before": [1, "two"]}, "status": "active"}


def application() -> FastAPI:
    """Every id exists, and starts as `fresh`."""
    app = FastAPI()
    rows: dict[str, dict[str, Any]] = {}

    @app.put("/api/v1/connections/{connection_id}")
    def update_connection(connection_id: str, change: ConnectionUpdate) -> dict[str, Any]:
        row = rows.setdefault(connection_id, fresh())
        sent = change.model_dump(mode="json", exclude_unset=True)
        if "label" in sent:
            row["label"] = sent["label"]
        row.update({name: sent[name] for name in ("config", "status") if sent.get(name) is not None})
        return row

    return app


@contextmanager
def running() -> Iterator[str]:
    """Serves the application on loopback and yields its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application(), host="127.0.0.1", port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the reference application")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
