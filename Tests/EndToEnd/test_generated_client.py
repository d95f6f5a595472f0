"""A client that somebody else's tool generates from our document does the whole job, without a line of ours in it."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from support.api import Tenant, slack_token
from support.document import operations as document_operations
from support.server import PATIENCE, Server

PACKAGE = "patchbay_generated"


def module_name(operation: str) -> str:
    """The generator's own way of making a name of an operationId."""
    return re.sub(r"[^a-z0-9]+", "_", operation.lower())


class Generated:
    """The generated package: its operations by their operationId, and a client of it."""

    def __init__(self, operations: dict[str, ModuleType], client: Any):
        self.operations = operations
        self.client = client

    def send(self, operation: str, **arguments: Any) -> Any:
        """Calls an operation; a `body` is given as plain data and becomes the generated model first."""
        function = self.operations[module_name(operation)].sync_detailed
        if "body" in arguments:
            annotation = typing.get_type_hints(function)["body"]
            choices = [
                choice for choice in typing.get_args(annotation) or (annotation,) if hasattr(choice, "from_dict")
            ]
            arguments["body"] = choices[0].from_dict(arguments["body"])
        return function(client=self.client, **arguments)

    def call(self, operation: str, **arguments: Any) -> Any:
        """What the generated code made of a success."""
        response = self.send(operation, **arguments)
        assert response.status_code in (200, 204), (response.status_code, response.content)
        return response.parsed

    def refused(self, operation: str, status: int, **arguments: Any) -> Any:
        """What the generated code made of a refusal."""
        response = self.send(operation, **arguments)
        assert response.status_code == status, (response.status_code, response.content)
        return response.parsed


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    return answer.json()


@pytest.fixture(scope="module")
def package(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generates the package and makes it importable for this module's tests."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document))
    # `post_hooks` would reformat the generated code, which nobody reads.
    overrides = {"application/x-ndjson": "application/octet-stream"}
    config = {"package_name_override": PACKAGE, "post_hooks": [], "content_type_overrides": overrides}
    (folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    options = ["--path", "openapi.json", "--config", "config.json", "--output-path", PACKAGE]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def operations(package: Path) -> dict[str, ModuleType]:
    api = importlib.import_module(f"{PACKAGE}.api")
    names = [found.name for found in pkgutil.walk_packages(api.__path__, api.__name__ + ".") if not found.ispkg]
    return {name.rsplit(".", 1)[1]: importlib.import_module(name) for name in names}


@pytest.fixture
def generated(server: Server, operations: dict[str, ModuleType], tenant: Tenant) -> Generated:
    return Generated(operations, generated_client(server, tenant.key))


def generated_client(server: Server, key: str | None) -> Any:
    package = importlib.import_module(PACKAGE)
    if key is None:
        return package.Client(base_url=server.url)
    return package.AuthenticatedClient(base_url=server.url, token=key)


def test_every_operation_is_generated(document: dict[str, Any], operations: dict[str, ModuleType]) -> None:
    """The generator leaves out what it does not understand, with a warning; nothing of ours may be left out."""
    expected = {module_name(operation.name) for operation in document_operations(document)}
    assert len(expected) >= 47
    assert set(operations) == expected


def test_connections(generated: Generated) -> None:
    made = generated.call(
        "create_connection_api_v1_connections_post",
        body={
            "integration": "slack",
            "integration_type": "connectors",
            "label": "Generated",
            "credentials": {"bot_token": slack_token()},
            "tags": ["eu"],
            "metadata": {"plan": "pro"},
        },
    )
    assert type(made).__name__ == "ConnectionRead"
    assert (made.label, made.integration_type.value, made.status.value) == ("Generated", "connectors", "active")
    assert made.created_at.utcoffset() is not None

    one = generated.call("get_connection_api_v1_connections__connection_id__get", connection_id=made.id)
    assert one == made
    shown = generated.call(
        "get_connection_api_v1_connections__connection_id__get", connection_id=made.id, include_credential=True
    )
    assert shown.credential.id == made.credential_id

    listed = generated.call("list_connections_api_v1_connections_get", limit=10, tag="eu")
    assert (listed.total, listed.page, listed.size) == (1, 1, 10)
    assert listed.connections == [made]

    changed = generated.call(
        "update_connection_api_v1_connections__connection_id__put",
        connection_id=made.id,
        body={"label": "Changed", "status": "inactive", "config": {"channel": "#x"}},
    )
    assert (changed.label, changed.status.value) == ("Changed", "inactive")
    assert changed.config.additional_properties == {"channel": "#x"}
    assert changed.metadata.additional_properties == {"plan": "pro"}

    stats = generated.call("get_connection_stats_api_v1_connections_stats_get")
    assert (stats.total_connections, stats.active_connections, stats.inactive_connections) == (1, 0, 1)
    assert stats.connections_by_type.additional_properties == {"connectors": 1}

    mine = generated.call("get_user_connections_api_v1_connections_users__user_id__get", user_id="nobody")
    assert (mine.connections, mine.total) == ([], 0)

    gone = "delete_connection_api_v1_connections__connection_id__delete"
    assert generated.call(gone, connection_id=made.id) is None
    refused = generated.refused(gone, 404, connection_id=made.id)
    assert refused.detail == "Connection not found"


def test_refusals_are_typed(generated: Generated) -> None:
    create = "create_connection_api_v1_connections_post"
    failure = generated.refused(create, 422, body={"integration": "slack", "integration_type": "connectors"})
    assert type(failure).__name__ == "ConnectionValidationFailure"
    assert "Field 'Bot Token' is required" in failure.detail.errors

    problems = generated.refused(
        create,
        422,
        body={"integration": "slack", "integration_type": "connectors", "label": "x" * 256},
    )
    assert type(problems).__name__ == "HTTPValidationError"
    assert [(problem.loc, problem.type_) for problem in problems.detail] == [(["body", "label"], "string_too_long")]


def test_catalog(generated: Generated) -> None:
    listed = generated.call("list_integrations_api_v1_integrations_get")
    assert listed.total == len(listed.integrations) >= 12
    slack = generated.call("get_integration_api_v1_integrations__integration_id__get", integration_id="slack")
    assert slack.name == "Slack"
    needs = generated.call(
        "get_integration_requirements_api_v1_connections_integrations__integration_id__requirements_get",
        integration_id="slack",
        auth_method_id="bot_token",
    )
    assert [(field.key, field.label, field.secure) for field in needs.required_fields] == [
        ("bot_token", "Bot Token", True)
    ]
    validate = "validate_connection_requirements_api_v1_connections_validate_post"
    verdict = generated.call(validate, integration_id="slack", body={})
    assert verdict.valid is False and "Field 'Bot Token' is required" in verdict.errors


def test_credentials(generated: Generated) -> None:
    made = generated.call(
        "create_credential_api_v1_credentials_post",
        body={"label": "Token", "auth_type": "access_token", "data": {"bot_token": slack_token()}},
    )
    assert not hasattr(made, "data")
    one = generated.call("get_credential_api_v1_credentials__credential_id__get", credential_id=made.id)
    assert one == made
    listed = generated.call("list_credentials_api_v1_credentials_get", auth_type=made.auth_type)
    assert listed.credentials == [made]
    changed = generated.call(
        "update_credential_api_v1_credentials__credential_id__put",
        credential_id=made.id,
        body={"label": "Other", "data": {"bot_token": slack_token()}},
    )
    assert changed.label == "Other"
    user = generated.call(
        "create_connection_api_v1_connections_post",
        body={"integration": "slack", "integration_type": "connectors", "credential_id": made.id},
    )
    assert user.credential_id == made.id
    gone = "delete_credential_api_v1_credentials__credential_id__delete"
    generated.refused(gone, 409, credential_id=made.id)
    generated.call("delete_connection_api_v1_connections__connection_id__delete", connection_id=user.id)
    assert generated.call(gone, credential_id=made.id) is None


def test_oauth(generated: Generated) -> None:
    client = {"client_id": "generated", "client_secret": "not-a-secret"}
    made = generated.call(
        "create_oauth_app_api_v1_oauth_apps_post",
        body={"integration": "slack", "return_urls": ["https://app.example.com/connected"], **client},
    )
    assert (made.has_client_secret, made.status.value) == (True, "active")
    one = generated.call("get_oauth_app_api_v1_oauth_apps__app_id__get", app_id=made.id)
    assert one == made
    listed = generated.call("list_oauth_apps_api_v1_oauth_apps_get", integration="slack")
    assert (listed.apps, listed.total) == ([made], 1)
    changed = generated.call(
        "update_oauth_app_api_v1_oauth_apps__app_id__put",
        app_id=made.id,
        body={"label": "Ours", "authorize_parameters": {"prompt": "consent"}},
    )
    assert changed.authorize_parameters.additional_properties == {"prompt": "consent"}

    initiate = "initiate_oauth_api_v1_oauth_initiate_post"
    link = generated.call(initiate, body={"integration_id": "slack", "app_id": made.id, "user_id": "user-42"})
    assert (link.app_id, link.integration_id) == (made.id, "slack")
    assert "/api/v1/oauth/connect/" in link.connect_url and link.state in link.auth_url
    nowhere = generated.refused(initiate, 422, body={"integration_id": "github"})
    assert type(nowhere).__name__ == "ConnectionValidationFailure"
    confirm = "confirm_oauth_api_v1_oauth_confirm_post"
    assert generated.refused(confirm, 404, body={"ticket": "x", "user_id": "user-42"}).detail == "Ticket not found"

    by_hand = generated.call(
        "create_connection_api_v1_connections_post",
        body={
            "integration": "slack",
            "integration_type": "connectors",
            "credentials": {"bot_token": slack_token()},
        },
    )
    for operation in (
        "refresh_oauth_token_api_v1_oauth_refresh__connection_id__post",
        "read_connection_token_api_v1_connections__connection_id__token_post",
    ):
        refused = generated.refused(operation, 422, connection_id=by_hand.id)
        assert refused.detail == "Connection has no OAuth grant to refresh"
    assert generated.call("list_revocations_api_v1_oauth_revocations_get").revocations == []
    gone = "delete_oauth_app_api_v1_oauth_apps__app_id__delete"
    assert generated.call(gone, app_id=made.id, force=True) is None


def test_api_keys(generated: Generated, server: Server) -> None:
    made = generated.call("create_api_key_api_v1_api_keys_post", body={"label": "CI", "permissions": ["read"]})
    assert made.secret.startswith("pbk_")
    one = generated.call("get_api_key_api_v1_api_keys__key_id__get", key_id=made.id)
    assert (one.label, one.key) == ("CI", made.key)
    listed = generated.call("list_api_keys_api_v1_api_keys_get")
    assert made.id in [key.id for key in listed.data] and listed.total_count == len(listed.data) == 2
    changed = generated.call(
        "update_api_key_api_v1_api_keys__key_id__put",
        key_id=made.id,
        body={"label": "CI 2", "status": "inactive"},
    )
    assert changed.label == "CI 2"
    with server.client(made.secret) as client:
        assert client.get("/api/v1/connections").status_code == 401
    assert generated.call("delete_api_key_api_v1_api_keys__key_id__delete", key_id=made.id) is None


def test_workspaces(generated: Generated, server: Server, tenant: Tenant) -> None:
    session = generated.call("get_session_api_v1_auth_session_get")
    assert session.workspace.id == tenant.workspace

    generated.client = generated_client(server, server.bootstrap_key)
    made = generated.call("create_workspace_api_v1_workspaces_post", body={"name": "Generated GmbH"})
    assert made.slug.startswith("generated-gmbh")
    one = generated.call("get_workspace_api_v1_workspaces__workspace_id__get", workspace_id=made.id)
    assert one == made
    listed = generated.call("list_workspaces_api_v1_workspaces_get", limit=1000)
    assert made.id in [workspace.id for workspace in listed.workspaces]
    changed = generated.call(
        "update_workspace_api_v1_workspaces__workspace_id__put",
        workspace_id=made.id,
        body={"description": "made by a machine"},
    )
    assert changed.description == "made by a machine"
    generated.call("delete_workspace_api_v1_workspaces__workspace_id__delete", workspace_id=made.id)


def test_without_a_key(generated: Generated, server: Server) -> None:
    generated.client = generated_client(server, None)
    for operation in (
        "get_health_live_health_live_get",
        "get_health_ready_health_ready_get",
        "get_metrics_metrics_get",
    ):
        generated.call(operation)
