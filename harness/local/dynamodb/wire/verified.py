"""The connection of a client whose signatures are verified: it costs more, so that only who asked for it has it."""

from harness.local.dynamodb.wire.connection import Connection


class VerifiedConnection(Connection):
    """One that keeps all headers of a request, since its signature covers them."""

    __slots__ = ()
    _headers: list[tuple[bytes, bytes]]

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of it."""
        super().on_header(name, value)
        if self._in_head:
            self._headers.append((name, value))
