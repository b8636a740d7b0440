"""Parent of every embedded server: when the harness is gone, however it went, so are they.

Run as a file by a bare interpreter (standard library only: it must start in a blink). It holds one end of a socket
pair, or listens on a control socket when it is to outlive its starter, and answers one JSON object a line with one
JSON object a line: ``spawn``, ``signal``, ``kill``, ``poll``, ``close``. End of the socket, SIGTERM or ``close``
end everything: every descendant is killed (SIGKILL ends stopped ones too), then the scratch directory is removed.

It is a *subreaper*: a server's orphans become its own children, so PostgreSQL's backends, which have sessions of
their own, don't escape. Each server also gets a parent-death signal, in case the warden itself is killed.
"""

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)
KILL_PATIENCE_S = 10.0


def descendants(root: int, *, zombies: bool = False) -> list[int]:
    """Every live process below ``root``, found through /proc; zombies count only where asked for."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are all that is wanted
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                state, parent = stat.rpartition(")")[2].split()[:2]
                if zombies or state != "Z":
                    parents.setdefault(int(parent), []).append(int(entry))
    found, pending = [], [root]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def send(pid: int, signum: int) -> None:
    """A signal to a process, if there is one."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


class Warden:
    """The servers by name, and what may be asked about them."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.pids: dict[str, int] = {}
        self.trees: dict[str, set[int]] = {}  # as last seen: a killed parent's children are found below it no more
        self.exit_codes: dict[int, int] = {}

    def answer(self, request: dict[str, object]) -> dict[str, object]:
        """Do one request; what can't be done is an answer too."""
        try:
            action = getattr(self, f"do_{request.pop('do')}")
            return {"ok": True, **action(**request)}
        except (OSError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    def do_spawn(
        self, name: str, argv: list[str], env: dict[str, str], cwd: str, log: str, uid: int | None
    ) -> dict[str, object]:
        """Start a server; its output goes to ``log``, its identity is ``uid`` where one is given."""
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        failed_read, failed_write = os.pipe()
        os.set_inheritable(failed_write, False)
        pid = os.fork()
        if pid == 0:
            try:
                _become(output, cwd, uid)
                os.execvpe(argv[0], argv, env)  # noqa: S606 - starting programs is its work
            except BaseException as error:  # noqa: BLE001 - in the child nothing may escape
                os.write(failed_write, str(error).encode())
                os._exit(127)
        os.close(output)
        os.close(failed_write)
        with os.fdopen(failed_read, "rb") as failure:
            why = failure.read().decode()
        if why:
            os.waitpid(pid, 0)
            raise OSError(f"{argv[0]}: {why}")
        self.pids[name] = pid
        self.exit_codes.pop(pid, None)  # of another, long ago
        self.trees.pop(name, None)
        return {"pid": pid}

    def do_signal(self, name: str, signum: int, tree: bool) -> dict[str, object]:
        """Send a signal to a server, or to it and all below it; nothing where they have ended."""
        pid = self.pids[name]
        self.reap()
        ours = self.tree(name) if tree else {pid} - self.exit_codes.keys()
        for target in ours:
            send(target, signum)
        if tree and pid in ours and signum != signal.SIGSTOP:
            send(pid, signal.SIGCONT)
        return {}

    def tree(self, name: str) -> set[int]:
        """A server that lives and all below it, or what is left of them; it is stopped, so that it forks nobody meanwhile."""
        pid, known = self.pids[name], self.trees.get(name, set())
        if pid not in self.exit_codes:
            send(pid, signal.SIGSTOP)
            known = known.union([pid, *descendants(pid)])
        ours = descendants(os.getpid(), zombies=True)  # a number that isn't among them is somebody else's by now
        self.trees[name] = known.intersection(ours)
        return self.trees[name].copy()

    def do_kill(self, name: str) -> dict[str, object]:
        """SIGKILL a server's whole tree; gone on return, ports and locks with it.

        Gone is *reaped*: a process whose first thread is a zombie may still have others that hold its sockets.
        """
        self.reap()
        tree = self.tree(name)
        deadline = time.monotonic() + KILL_PATIENCE_S
        while True:
            for target in tree:
                send(target, signal.SIGKILL)
            self.reap()
            alive = [target for target in tree if Path(f"/proc/{target}").exists()]
            if not alive:
                return {}
            if time.monotonic() > deadline:
                raise OSError(f"{name}: processes {alive} don't go away")
            time.sleep(0.001)

    def do_poll(self, name: str) -> dict[str, object]:
        """Whether a server runs, and its exit code (negative: the signal) if it ended."""
        self.reap()
        code = self.exit_codes.get(self.pids[name])
        return {"alive": code is None, "exit_code": code}

    def do_status(self) -> dict[str, object]:
        """Who the warden is and what it keeps."""
        self.reap()
        alive = {name: pid for name, pid in self.pids.items() if pid not in self.exit_codes}
        return {"pid": os.getpid(), "scratch": str(self.scratch), "servers": alive}

    def reap(self) -> bool:
        """Collect whoever has ended, orphans included; False when no child is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return True
                self.exit_codes[pid] = os.waitstatus_to_exitcode(status)
                for tree in self.trees.values():
                    tree.discard(pid)
        except ChildProcessError:
            return False

    def close(self) -> None:
        """Kill all that is below until nothing is, then remove the scratch directory."""
        deadline = time.monotonic() + KILL_PATIENCE_S
        while self.reap() and time.monotonic() < deadline:
            for pid in descendants(os.getpid()):
                send(pid, signal.SIGKILL)
            time.sleep(0.002)
        shutil.rmtree(self.scratch, ignore_errors=True)


def _become(output: int, cwd: str, uid: int | None) -> None:
    """In the child, before exec: die with the warden, log, own session, unprivileged."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(cwd)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        # Changing identity clears the parent-death signal.
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(warden: Warden, first: socket.socket, *, detached: bool) -> None:
    """Answer until the socket that matters closes; a detached warden listens on and outlives its visitors."""
    with selectors.DefaultSelector() as selector:
        selector.register(first, selectors.EVENT_READ, b"")
        while True:
            for key, _ in selector.select(timeout=1.0):
                connection: socket.socket = key.fileobj  # type: ignore[assignment]
                if detached and connection is first:
                    visitor, _ = first.accept()
                    selector.register(visitor, selectors.EVENT_READ, b"")
                    continue
                try:
                    data = connection.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    selector.unregister(connection)
                    connection.close()
                    if not detached:
                        return
                    continue
                *lines, rest = (key.data + data).split(b"\n")
                selector.modify(connection, selectors.EVENT_READ, rest)
                for line in lines:
                    request = json.loads(line)
                    if request.get("do") == "close":
                        warden.close()
                        connection.sendall(b'{"ok": true}\n')
                        return
                    connection.sendall(json.dumps(warden.answer(request)).encode() + b"\n")
            warden.reap()


def _end(*_: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """``warden.py SCRATCH fd NUMBER`` or ``warden.py SCRATCH listen PATH``."""
    scratch, how, where = sys.argv[1:4]
    os.setsid()
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    warden = Warden(Path(scratch))
    detached = how == "listen"
    try:
        if detached:
            first = socket.socket(socket.AF_UNIX)
            first.bind(where)
            Path(where).chmod(0o600)
            first.listen()
            sys.stdout.write("ready\n")
            sys.stdout.flush()
        else:
            first = socket.socket(fileno=int(where))
        _serve(warden, first, detached=detached)
    except OSError:  # the harness went away between its question and our answer
        pass
    finally:
        warden.close()


if __name__ == "__main__":
    main()
