"""The story of the README: a stranger connects Slack, is told what was wrong, reads, updates and deletes."""

import httpx

from support.api import CONNECTIONS, ok, slack_token


def test_a_stranger_connects_slack(client: httpx.Client) -> None:
    token = slack_token()
    slack = {"integration": "slack", "integration_type": "connectors", "label": "Support"}

    # 1. The first attempts are refused, with every problem named.
    nothing = client.post(CONNECTIONS, json=slack)
    assert nothing.status_code == 422
    assert nothing.json()["detail"]["message"] == "Connection validation failed"
    assert "Field 'Bot Token' is required" in nothing.json()["detail"]["errors"]

    misspelt = client.post(CONNECTIONS, json={**slack, "credentials": {"bot_tokn": token}})
    assert misspelt.status_code == 422
    errors = misspelt.json()["detail"]["errors"]
    assert any("bot_tokn" in error and "did you mean 'bot_token'?" in error for error in errors), errors
    assert "Field 'Bot Token' is required" in errors
    assert token not in misspelt.text

    # Refused means that nothing was made.
    assert ok(client.get(CONNECTIONS))["total"] == 0
    assert ok(client.get("/api/v1/credentials"))["total"] == 0

    # 2. The right one is taken.
    created = client.post(CONNECTIONS, json={**slack, "credentials": {"bot_token": token}})
    connection = ok(created)
    assert created.status_code == 200
    assert connection["id"].startswith("conn_") and len(connection["id"]) == len("conn_") + 26
    assert connection["credential_id"].startswith("cred_")
    assert connection["workspace_id"].startswith("wsp_")
    assert (connection["label"], connection["status"], connection["user_id"]) == ("Support", "active", None)
    assert connection["created_at"] == connection["updated_at"] and connection["created_at"].endswith("Z")
    assert token not in created.text
    address = f"{CONNECTIONS}/{connection['id']}"

    # 3. It is read back without the secret, asked for or not.
    read = client.get(address)
    assert ok(read) == connection
    assert read.headers["ETag"] == created.headers["ETag"]
    shown = client.get(address, params={"include_credential": "true"})
    assert ok(shown)["credential"]["id"] == connection["credential_id"]
    assert "data" not in shown.json()["credential"]
    assert token not in read.text + shown.text

    # 4. The contract's PUT changes what it names and leaves the rest.
    updated = client.put(address, json={"label": "Support EU", "config": {"channel": "#support"}})
    assert ok(updated)["label"] == "Support EU"
    assert updated.json()["config"] == {"channel": "#support"}
    assert updated.json()["status"] == "active"
    assert updated.json()["credential_id"] == connection["credential_id"]
    assert updated.json()["updated_at"] > connection["updated_at"]
    assert ok(client.get(address)) == updated.json()

    # Whoever read before that does not overwrite it.
    stale = client.put(address, json={"label": "Mine"}, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412
    assert ok(client.get(address))["label"] == "Support EU"
    current = client.put(address, json={"label": "Mine"}, headers={"If-Match": updated.headers["ETag"]})
    assert ok(current)["label"] == "Mine"

    # 5. It goes, and its credential with it.
    gone = client.delete(address)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (client.get(address), client.put(address, json={"label": "x"}), client.delete(address)):
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Connection not found"}
    assert client.get(f"/api/v1/credentials/{connection['credential_id']}").status_code == 404
    assert ok(client.get(CONNECTIONS)) == {"connections": [], "total": 0, "page": 1, "size": 100, "next_cursor": None}
