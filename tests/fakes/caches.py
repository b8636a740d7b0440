"""A cache and a database of a few lines, on a clock that moves only when somebody works or sleeps."""

from harness.cache.strategies.shared_flight import RELEASE


class Clock:
    """Nanoseconds; ``sleep`` moves it too."""

    def __init__(self, now_ns=1_000):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns

    def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9)


class FakeCache:
    """A dictionary with expiry: a get takes 3 ns, a set 5, a delete 7, a trip of several commands 11, a script 13.

    ``fail`` maps an operation's name to the errors its next calls raise (None: that call is carried out); ``calls``
    lists what was asked. It counts look-ups as the server does: every get, a script's too; not what SET NX looks up.
    """

    def __init__(self, clock):
        self.clock = clock
        self.data, self.ttls, self._expires_ns = {}, {}, {}
        self.fail = {}
        self.calls = []
        self.hits = self.misses = 0

    def get(self, key):
        self._called("get", key, 3)
        return self._look_up(key)

    def set(self, key, value, ttl_s=None):
        self._called("set", key, 5)
        self._put(key, value, ttl_s)

    def delete(self, *keys):
        self._called("delete", *keys, 7)
        return sum(self._remove(key) for key in keys)

    def pipeline(self, commands):
        (_, lock, token, *_, lock_ms), (_, key) = commands
        self._called("pipeline", key, 11)
        taken = self._alive(lock)
        if not taken:
            self._put(lock, token.encode(), lock_ms / 1000)
        return [None if taken else b"OK", self._look_up(key)]

    def eval(self, script, keys=(), args=()):
        self._called("eval", *keys, 13)
        assert script is RELEASE
        held = self._look_up(keys[0])
        if held is None:
            return -1
        return int(held == args[0].encode() and self._remove(keys[0]))

    def _called(self, name, *what_and_ns):
        *what, took_ns = what_and_ns
        self.calls.append((name, *what))
        self.clock.now_ns += took_ns
        errors = self.fail.get(name, [])
        if errors and (error := errors.pop(0)) is not None:
            raise error

    def _put(self, key, value, ttl_s):
        self.data[key], self.ttls[key] = value, ttl_s
        self._expires_ns[key] = float("inf") if ttl_s is None else self.clock.now_ns + ttl_s * 1e9

    def _alive(self, key):
        return key in self.data and self.clock.now_ns < self._expires_ns.get(key, float("inf"))

    def _look_up(self, key):
        alive = self._alive(key)
        self.hits, self.misses = self.hits + alive, self.misses + (not alive)
        return self.data[key] if alive else None

    def _remove(self, key):
        alive = self._alive(key)
        self.data.pop(key, None)
        return int(alive)


class Database:
    """Answers in 100 ns, writes in 200; counts what it was asked. ``fail`` is what it raises, if anything."""

    def __init__(self, clock):
        self.clock = clock
        self.rows = {}
        self.asked, self.written = [], []
        self.fail = None

    def load(self, key):
        self.clock.now_ns += 100
        self.asked.append(key)
        if self.fail:
            raise self.fail
        return self.rows.get(key, key.encode())

    def store(self, key, value):
        self.clock.now_ns += 200
        if self.fail:
            raise self.fail
        self.written.append(key)
        self.rows[key] = value


def parts():
    clock = Clock()
    return clock, FakeCache(clock), Database(clock)
