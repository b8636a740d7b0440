"""Single flight in one process: of those who miss a key together one loads it, the others wait for what it gets.

The name and the idea are those of Go's golang.org/x/sync/singleflight, written for groupcache. Where a process holds its
readers in one Flights, a hot key that expires costs the database one query a process, not one a reader.
"""

from threading import Event, Lock

from harness.cache.client import CacheError
from harness.cache.strategies.lazy import LazyLoading
from harness.cache.strategies.model import Read, code_of

FLIGHT_WAIT_S = 2.0


class _Flight:
    """One load: under way, then landed with a value or an error, or lost with whoever led it."""

    __slots__ = ("error", "landed", "number", "value")

    def __init__(self) -> None:
        self.landed = Event()
        self.value: bytes | None = None
        self.error: Exception | None = None
        self.number: int | None = None  # which of its berth's it was, once it is over

    @property
    def lost(self) -> bool:
        """Whether nothing will come of it."""
        return self.landed.is_set() and self.value is None and self.error is None

    def serves(self, over_before: int) -> bool:
        """Whether it is for a reader who came when so many flights were over: under way, or ended since with a value."""
        return self.number is None or (self.number > over_before and self.value is not None)


class _Berth:
    """One key that somebody is reading: how many are, its latest flight, and how many flights are over."""

    __slots__ = ("flight", "over", "readers")

    def __init__(self) -> None:
        self.readers, self.over = 0, 0
        self.flight: _Flight | None = None


class Flights:
    """The loads of one process, by key; all its SingleFlight readers share one.

    Safe from greenlets and threads: its locks and events are those of ``threading``, which gevent replaces where it
    patched. A key takes memory only while somebody reads it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._berths: dict[str, _Berth] = {}

    def enter(self, key: str) -> tuple[_Berth, int]:
        """Before the cache is asked: the key's berth, and how many of its flights were over by now."""
        with self._lock:
            berth = self._berths.get(key)
            if berth is None:
                berth = self._berths[key] = _Berth()
            berth.readers += 1
            return berth, berth.over

    def leave(self, key: str, berth: _Berth) -> None:
        """After the read, whatever became of it."""
        with self._lock:
            berth.readers -= 1
            if not berth.readers:
                del self._berths[key]

    def board(self, berth: _Berth, over_before: int) -> tuple[_Flight, bool]:
        """After a miss: the flight to wait for, or a new one that the caller must lead (True).

        A reader may miss, be held up, and come here when the flight that filled the cache is over: since it has begun
        before that ended, it takes its value instead of loading once more.
        """
        with self._lock:
            flight = berth.flight
            if flight is None or flight.lost or not flight.serves(over_before):
                berth.flight = flight = _Flight()
                return flight, True
            return flight, False

    def end(self, berth: _Berth, flight: _Flight) -> None:
        """Whoever led is done, with the cache too: who misses from now on leads a flight of its own."""
        with self._lock:
            berth.over += 1
            flight.number = berth.over


class SingleFlight:
    """Lazy loading (``lazy``, jittered or not) in which a key is loaded once at a time in a process.

    Who waits gets the leader's value or its error. The wait is bounded by ``wait_s``: after that a reader loads for
    itself, as lazy loading would. A leader that dies (its greenlet is killed) releases those who wait: one of them leads.
    They are served as soon as the value is there, not when the cache has it.
    """

    __slots__ = ("_flights", "_lazy", "_wait_ns")

    def __init__(self, lazy: LazyLoading, flights: Flights, wait_s: float = FLIGHT_WAIT_S) -> None:
        self._lazy, self._flights, self._wait_ns = lazy, flights, int(wait_s * 1e9)

    def read(self, key: str) -> Read:
        """The value from the cache, another's load or the database; raises what ``load`` raised, never CacheError."""
        berth, over_before = self._flights.enter(key)
        try:
            value, get_ns, trouble = self._lazy.look_up(key)
            if value is not None:
                return Read(value=value, hit=True, get_ns=get_ns, keyspace_hits=1)
            return self._missed(key, berth, over_before, get_ns, trouble)
        finally:
            self._flights.leave(key, berth)

    def keep(self, key: str, value: bytes) -> CacheError | None:
        """See LazyLoading."""
        return self._lazy.keep(key, value)

    def _missed(self, key: str, berth: _Berth, over_before: int, get_ns: int, trouble: CacheError | None) -> Read:
        """Lead, or follow until there is a value, an error or no patience left."""
        clock_ns = self._lazy.clock_ns
        begin, waited_ns = clock_ns(), 0
        while True:
            flight, leads = self._flights.board(berth, over_before)
            if leads:
                return self._lead(key, berth, flight, get_ns, trouble, waited_ns or None)
            flight.landed.wait(max(0, self._wait_ns - waited_ns) / 1e9)
            waited_ns = clock_ns() - begin
            if flight.error is not None:
                raise flight.error
            if flight.value is not None:
                return Read(
                    value=flight.value, hit=False, get_ns=get_ns, waited_ns=waited_ns,
                    cache_error=code_of(trouble), keyspace_misses=int(trouble is None),
                )  # fmt: skip
            if waited_ns >= self._wait_ns:
                return self._lazy.fill(key, get_ns, trouble, waited_ns=waited_ns)

    def _lead(
        self, key: str, berth: _Berth, flight: _Flight, get_ns: int, trouble: CacheError | None, waited_ns: int | None
    ) -> Read:
        def load(key: str) -> bytes:
            try:
                flight.value = value = self._lazy.load(key)
            except Exception as error:
                flight.error = error
                raise
            finally:
                flight.landed.set()
            return value

        try:
            return self._lazy.fill(key, get_ns, trouble, waited_ns=waited_ns, load=load)
        finally:
            self._flights.end(berth, flight)
