"""The twin as a process: binds, raises its limits, serves until it is told to stop."""

import asyncio
import gc
import ipaddress
import signal
import sys
from typing import Protocol

import uvloop

from harness.local.dynamodb.service import Service
from harness.local.dynamodb.wire.connection import Connection
from harness.local.dynamodb.wire.control import Control, Controlled
from harness.local.dynamodb.wire.guards import Guards
from harness.local.dynamodb.wire.options import Options
from harness.local.dynamodb.wire.turns import Answer, LongWork
from harness.local.dynamodb.wire.verified import VerifiedConnection
from harness.local.dynamodb.wire.wire import Wire
from harness.local.rights import drop_rights, raise_file_limit

_BACKLOG = 4_096
_COLLECTIONS = (100_000, 50, 1_000)


def serve(options: Options) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code: 0, or 3 when the address can't be had.

    Raises the harness's errors where the folder of its data can't be read or written.
    """
    # Items are no cycles: without this a full collection would look at every one of them, and all clients wait.
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options))
    except OSError as error:
        address = f"{options.host}:{options.port}"
        sys.stderr.write(f"can't listen on {address}: {error.strerror or error}; give another --port, or 0\n")
        return 3
    return 0


class Served(Controlled, Protocol):
    """What stands behind the wire: the service, or a test's own."""

    def begin(self, target: bytes, body: bytes) -> Answer | LongWork:
        """The answer to one request, or the steps that make it."""

    def tick(self) -> bool:
        """Some of what no request waits for; whether there is more."""


async def listen(service: Served, options: Options) -> asyncio.Server:
    """Serve ``service`` at the address from now on; raises OSError when that can't be had."""
    loop = asyncio.get_running_loop()
    guards = Guards(options.verifier, options.service_time)
    control = Control(service, guards)
    wire = Wire(
        begin=service.begin, chores=service.tick, guards=guards, control=control, loop=loop,
        request_timeout_s=options.request_timeout_s,
    )  # fmt: skip
    kind = Connection if options.verifier is None else VerifiedConnection
    server = await loop.create_server(lambda: kind(wire), options.host, options.port, backlog=_BACKLOG)
    control.allowed = options.control or all(_is_loopback(bound.getsockname()[0]) for bound in server.sockets)
    return server


async def _serve(options: Options) -> None:
    loop = asyncio.get_running_loop()
    service = Service(options.speed, partition_limits=options.partition_limits, parameters=options.parameters)
    if options.data is not None:
        service.load(options.data)
    server = await listen(service, options)
    raise_file_limit()
    if options.drop_to_uid is not None:
        drop_rights(options.drop_to_uid)
    done = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, done.set)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    service.endpoint = f"{shown}:{server.sockets[0].getsockname()[1]}"
    sys.stdout.write(f"listening on http://{service.endpoint}\n")
    sys.stdout.flush()
    await done.wait()
    server.close()
    if options.data is not None:
        service.save(options.data)


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
