"""moto's S3 server, which checks signatures and permissions once its buckets and keys are made."""

import json
import os
from typing import Any

import boto3
import httpx
from botocore.config import Config
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

BUCKET = "e2e-bucket"
REGION = "us-east-1"


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def main() -> None:
    # Nothing of the machine's own configuration.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    def client(service: str) -> Any:
        config = Config(s3={"addressing_style": "path"}, proxies={})
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="setup",
            aws_secret_access_key="setup",
            config=config,
        )

    storage, identities, tokens = client("s3"), client("iam"), client("sts")
    storage.create_bucket(Bucket=BUCKET)
    storage.put_object(Bucket=BUCKET, Key="first", Body=b"1")

    def user(name: str, *actions: str) -> dict[str, str]:
        identities.create_user(UserName=name)
        identities.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy(*actions))
        key = identities.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}

    def role(name: str, *actions: str) -> dict[str, str]:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = identities.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        identities.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(*actions))
        lent = tokens.assume_role(RoleArn=made["Arn"], RoleSessionName="e2e")["Credentials"]
        return {
            "access_key_id": lent["AccessKeyId"],
            "secret_access_key": lent["SecretAccessKey"],
            "session_token": lent["SessionToken"],
        }

    keys = {
        "good": user("good", "s3:*"),
        "may_not_list": user("narrow", "s3:GetObject"),
        "temporary": role("lent", "s3:*"),
    }
    # From here on nobody does anything without a signature.
    httpx.post(f"{url}/moto-api/reset-auth", content="0", trust_env=False).raise_for_status()
    print(json.dumps({"url": url, "bucket": BUCKET, "region": REGION, "keys": keys}), flush=True)
    server._thread.join()


if __name__ == "__main__":
    main()
