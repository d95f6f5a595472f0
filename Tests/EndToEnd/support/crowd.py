"""Hundreds of clients that ask at one moment, with as little in the way as can be."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from support.rawhttp import request
from support.server import PATIENCE, Server


@dataclass(frozen=True)
class Told:
    """One answer."""

    status: int
    body: dict[str, Any]


def post_all_at_once(server: Server, key: str, paths: list[str]) -> list[Told]:
    """A POST to each path, over connections that are all open before the first of them is sent."""

    async def ask() -> list[Told]:
        wires = [await asyncio.open_connection("127.0.0.1", server.port) for _ in paths]
        try:
            for (_, writer), path in zip(wires, paths, strict=True):
                writer.write(request("POST", path, key))
            return list(await asyncio.gather(*(_read(reader) for reader, _ in wires)))
        finally:
            for _, writer in wires:
                writer.close()

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE))


async def _read(reader: asyncio.StreamReader) -> Told:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Told(int(first.split(" ")[1]), json.loads(body))
