"""How replicas reach their writer: directly, or through a TCP proxy that delays what passes."""

import contextlib
from collections.abc import Iterator

from harness.errors import CannotMeasure
from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy


class ReplicationStream:
    """One address that leads to the writer, whoever that is.

    ``delay_ms`` is each way, so a round trip takes two of it; None: no proxy at all. With ``dies_with_writer`` the delay stands
    for what the writer hasn't sent yet: when it stops or dies, what is under way goes no further.
    """

    def __init__(self, warden: Warden, name: str, delay_ms: float | None, *, dies_with_writer: bool = False) -> None:
        self._warden, self._name, self._delay_ms, self._dies = warden, name, delay_ms, dies_with_writer
        self._proxy: TcpProxy | None = None

    @contextlib.contextmanager
    def leading_to(self, host: str, port: int) -> Iterator[tuple[str, int]]:
        """What replicas dial from now on to reach ``host``; without delay inside, as a login takes a dozen round trips."""
        if self._delay_ms is None:
            yield host, port
            return
        if self._proxy is None:
            proxy = TcpProxy(self._warden, (host, port), name=self._name)
            proxy.start()
            self._proxy = proxy
        self._proxy.retarget(host, port)
        self._proxy.pass_on()
        yield self._proxy.address
        self.set_delay(self._delay_ms)

    def set_delay(self, delay_ms: float) -> None:
        """Delay what passes from now on, each way; 0 passes on. Raises CannotMeasure where no proxy was asked for."""
        if self._proxy is None:
            raise CannotMeasure(
                "the replication stream has no proxy: ask for a delay, be it 0, when making the topology"
            )
        self._delay_ms = delay_ms
        if delay_ms:
            self._proxy.delay(delay_ms)
        else:
            self._proxy.pass_on()

    def hold(self) -> None:
        """The writer is about to hang: what it hadn't sent isn't sent."""
        if self._proxy and self._dies:
            self._proxy.black_hole()

    @contextlib.contextmanager
    def dying(self, *, yes: bool) -> Iterator[None]:
        """Inside the writer is killed, where ``yes``. What it hadn't sent is held before and lost after, however long that takes."""
        if yes:
            self.hold()
        yield
        if yes and self._proxy and self._dies:
            self._proxy.reset()
