"""TLS before a PostgreSQL that was built without it: says *S* to SSLRequest, ends the encryption, passes all else on."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from threading import Thread

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@contextlib.contextmanager
def before_postgres(server: tuple[str, int], *, certificate: str, key: str, host: str = "127.0.0.1") -> Iterator[int]:
    """The port on which ``server`` is reached by TLS; a client that asks for no TLS is turned away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((host, 0)) as listener:
        Thread(target=_accept, args=(listener, context, server), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, server: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            Thread(target=_serve, args=(listener.accept()[0], context, server), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, server: tuple[str, int]) -> None:
    with contextlib.suppress(OSError), client:
        if client.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
            return
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as secure, socket.create_connection(server) as behind:
            back = Thread(target=_pass_on, args=(behind, secure), daemon=True)
            back.start()
            _pass_on(secure, behind)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until either ends; then both do."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
