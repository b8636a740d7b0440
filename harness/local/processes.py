"""The harness's side of the warden: start servers, signal them, make sure they are gone."""

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Self

from harness.errors import CannotMeasure, ServerFailed

UNPRIVILEGED_UID = 65534
_WARDEN = Path(__file__).with_name("warden.py")
SCRATCH_PREFIX = "dbharness-"
_LOG_TAIL_LINES = 8


def unprivileged_uid() -> int | None:
    """Who servers run as: nobody when we are root, ourselves (None) otherwise."""
    return UNPRIVILEGED_UID if os.geteuid() == 0 else None


class Warden:
    """A connection to one warden. Safe from several greenlets or threads: one question at a time."""

    def __init__(self, connection: socket.socket, scratch: Path, process: subprocess.Popen[bytes] | None) -> None:
        self.scratch = scratch
        self._socket, self._process = connection, process
        self._replies = connection.makefile("rb")
        self._lock = Lock()
        self._closed = False
        self._ports = contextlib.ExitStack()

    @classmethod
    def start(cls) -> Self:
        """A warden that ends, with all it keeps, when this process does."""
        ours, theirs = socket.socketpair()
        scratch = _scratch()
        command = [sys.executable, "-I", "-S", str(_WARDEN), str(scratch), "fd", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        theirs.close()
        return cls(ours, scratch, process)

    @classmethod
    def start_detached(cls) -> Self:
        """A warden that outlives this process, until somebody closes it."""
        scratch = _scratch()
        path = scratch / "control"
        command = [sys.executable, "-I", "-S", str(_WARDEN), str(scratch), "listen", str(path)]
        with (scratch / "warden.log").open("wb") as log:  # not our stderr: whoever reads that would wait for its end
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout
        if process.stdout.readline() != b"ready\n":
            shutil.rmtree(scratch, ignore_errors=True)
            raise CannotMeasure(f"the process that keeps the servers didn't start in {scratch}")
        process.stdout.close()
        return cls.attach(path)

    @classmethod
    def attach(cls, control: Path) -> Self:
        """A connection to a detached warden; raises OSError where there is none."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(control))
        return cls(connection, control.parent, None)

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        unprivileged: bool = True,
    ) -> int:
        """Start a server under a name; returns its pid. Raises ServerFailed when it can't even be executed."""
        request = {
            "do": "spawn", "name": name, "argv": list(argv), "env": {**(env if env is not None else os.environ), "TMPDIR": str(self.scratch / "tmp")},
            "cwd": str(self.scratch), "log": str(log), "uid": unprivileged_uid() if unprivileged else None,
        }  # fmt: skip
        try:
            return int(self._ask(request)["pid"])
        except CannotMeasure as error:
            raise ServerFailed(f"{name} can't be started: {error}", log_tail(log)) from error

    def signal(self, name: str, signum: int, *, tree: bool = False) -> int:
        """Send a signal to a server, or to its whole tree; when it was sent, CLOCK_MONOTONIC in ns."""
        return int(self._ask({"do": "signal", "name": name, "signum": int(signum), "tree": tree})["sent_ns"])

    def kill(self, name: str) -> None:
        """SIGKILL a server's whole tree, stopped processes included; gone on return."""
        self._ask({"do": "kill", "name": name})

    def exit_code(self, name: str) -> int | None:
        """None while a server runs, else its exit code; negative for a signal."""
        code: int | None = self._ask({"do": "poll", "name": name})["exit_code"]
        return code

    def wait(self, name: str, timeout_s: float) -> int:
        """Wait for a server to end; its exit code. Raises CannotMeasure when it doesn't in time."""
        deadline = time.monotonic() + timeout_s
        while (code := self.exit_code(name)) is None:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{name} didn't end in {timeout_s} s")
            time.sleep(0.005)
        return code

    def announced(self, name: str, what: str, prefix: str, *, log: Path, timeout_s: float) -> str:
        """What a server says in its log after ``prefix``, once it does; ``what`` names it in errors.

        Raises ServerFailed, with its last log lines, when it ends before that or doesn't say it in time.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for line in log.read_text().splitlines() if log.exists() else []:
                if line.startswith(prefix):
                    return line.removeprefix(prefix)
            if (code := self.exit_code(name)) is not None:
                raise ServerFailed(f"{what} ended with exit code {code}", log_tail(log))
            time.sleep(0.01)
        raise ServerFailed(f"{what} didn't listen within {timeout_s:g} s", log_tail(log))

    def servers(self) -> dict[str, int]:
        """The pids of servers that run, by name."""
        servers: dict[str, int] = self._ask({"do": "status"})["servers"]
        return servers

    def folder(self, name: str) -> Path:
        """A new folder below the scratch directory that servers may write to; ServerFailed where there is one already."""
        path = self.scratch / name
        try:
            path.mkdir(mode=0o700)
        except FileExistsError as error:
            raise ServerFailed(
                f"{path} is there already, left by another run or by an earlier server of this name; remove it (rm -r {path})"
            ) from error
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        """Make a file or folder the servers' own, where they run as somebody else."""
        if (uid := unprivileged_uid()) is not None:
            os.chown(path, uid, uid)

    def port(self, *hosts: str) -> int:
        """A port of every one of ``hosts`` (default loopback) for servers of ours, whether they run or not; see ``held_port``."""
        return self._ports.enter_context(held_port(*hosts))

    def room(self, name: str) -> "Warden":
        """The same warden with a part of its scratch directory: servers there may have names that others have elsewhere."""
        return _Room(self, name)

    def close(self) -> None:
        """End every server and remove the scratch directory; both are gone on return."""
        if self._closed:
            return
        self._closed = True
        try:
            self._send({"do": "close"})
        except (OSError, CannotMeasure):  # it is gone already, and the servers with it
            pass
        finally:
            self._replies.close()
            self._socket.close()
            self._ports.close()
            if self._process is not None:
                self._process.wait()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def detach(self) -> None:
        """Leave a detached warden running."""
        self._closed = True
        self._replies.close()
        self._socket.close()
        self._ports.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = self._send(request)
        except OSError as error:
            raise CannotMeasure(f"the process that keeps the servers is gone ({error}); start again") from error
        if not reply["ok"]:
            raise CannotMeasure(str(reply["error"]))
        return reply

    def _send(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._replies.readline()
        if not line:
            raise ConnectionResetError("it closed its socket")
        reply: dict[str, Any] = json.loads(line)
        return reply


class _Room(Warden):
    """A part of a warden; it ends with it, never alone."""

    def __init__(self, whole: Warden, name: str) -> None:
        self.scratch, self._whole, self._prefix = whole.scratch / name, whole, f"{name}/"
        self.scratch.mkdir(mode=0o711)
        _make_temporary(self.scratch / "tmp")

    def servers(self) -> dict[str, int]:
        """Those of this room, by the names they have in it."""
        prefix = self._prefix
        return {
            name.removeprefix(prefix): pid for name, pid in self._whole.servers().items() if name.startswith(prefix)
        }

    def port(self, *hosts: str) -> int:
        """Held as long as the whole."""
        return self._whole.port(*hosts)

    def close(self) -> None:
        """Nothing: servers are killed by name, and all that is left goes with the whole."""

    def detach(self) -> None:
        """Nothing, likewise."""

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._whole._ask(request | {"name": f"{self._prefix}{request['name']}"})


def log_tail(log: Path) -> str:
    """The last lines of a server's log, indented."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    except OSError:
        return ""
    return "\n".join(f"  {log.name}: {line}" for line in lines)


def reachable(folder: Path, scratch: Path) -> Path:
    """A folder of programs as the servers' user can reach it: itself, or a copy below ``scratch``.

    A checkout below a home directory of mode 0700 can't be entered by the unprivileged user that root's servers run as.
    """
    if unprivileged_uid() is None or all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents)):
        return folder
    copy = scratch / "programs" / folder.name
    if not copy.exists():
        shutil.copytree(folder, copy, symlinks=True)
        copy.chmod(0o755)
    return copy


@contextlib.contextmanager
def held_port(*hosts: str) -> Iterator[int]:
    """A port of every one of ``hosts`` (default loopback) that the system gives to nobody else meanwhile.

    It is bound and never listened at: who sets SO_REUSEADDR, as servers do, may listen at it. Raises CannotMeasure.
    """
    first, *others = hosts or ("127.0.0.1",)
    for _ in range(100):
        with contextlib.ExitStack() as holders:
            try:
                port = _hold(holders, first, 0)
                for host in others:
                    _hold(holders, host, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise CannotMeasure(f"no port can be had on {', '.join(hosts)}: {error.strerror}") from error
                continue
            yield port
            return
    raise CannotMeasure(f"no port is free on all of {', '.join(hosts)}")


def free_port(*hosts: str) -> int:
    """A port that is free on every one of ``hosts`` (default loopback) at this moment; ``held_port`` keeps it."""
    with held_port(*hosts) as port:
        return port


def _hold(holders: contextlib.ExitStack, host: str, port: int) -> int:
    holder = holders.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((host, port))
    return int(holder.getsockname()[1])


def _scratch() -> Path:
    path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    path.chmod(0o711)
    _make_temporary(path / "tmp")
    return path


def _make_temporary(path: Path) -> None:
    """What servers have for TMPDIR: the user's own may be closed to an unprivileged one."""
    path.mkdir()
    path.chmod(0o1777)
