"""How long what comes to a proxy waits: one line for all, over a clock that a test moves."""

from harness.local.tcp_links import DelayLine, Sign

MS = 1_000_000


class Alarms:
    """Rings when a test lets time pass."""

    def __init__(self):
        self.now_ns, self.set = 0, []

    def at(self, due_s, call):
        self.set.append((due_s, call))

    def pass_time(self, to_ms):
        self.now_ns = to_ms * MS
        due = [call for due_s, call in self.set if due_s * 1e9 <= self.now_ns]
        self.set = [(due_s, call) for due_s, call in self.set if due_s * 1e9 > self.now_ns]
        for call in due:
            call()


class Pump:
    """Notes what it was handed, and when."""

    def __init__(self, alarms):
        self.alarms, self.delivered = alarms, []

    def deliver(self, item):
        self.delivered.append((item, self.alarms.now_ns // MS))


def line(hold_ms=0):
    alarms = Alarms()
    made = DelayLine(alarms, lambda: alarms.now_ns)
    made.hold(None if hold_ms is None else hold_ms * MS)
    return alarms, made, Pump(alarms)


def test_without_a_delay_everything_goes_on_at_once():
    """No alarm is set."""
    alarms, made, pump = line()
    made.pass_on(pump, b"a")
    assert (pump.delivered, alarms.set) == ([(b"a", 0)], [])


def test_bytes_and_ends_wait_their_time_and_keep_their_order():
    """20 ms each, counted from when each came: at 20, 25 and 25, in two pumps."""
    alarms, made, pump = line(20)
    other = Pump(alarms)
    made.pass_on(pump, b"a")
    alarms.pass_time(5)
    made.pass_on(other, b"b")
    made.pass_on(pump, Sign.END)
    alarms.pass_time(19)
    assert pump.delivered == []
    alarms.pass_time(20)
    assert (pump.delivered, other.delivered) == ([(b"a", 20)], [])
    alarms.pass_time(25)
    assert (pump.delivered, other.delivered) == ([(b"a", 20), (Sign.END, 25)], [(b"b", 25)])


def test_a_shorter_delay_counts_for_what_waits_already():
    """Came at 0 and 5, asked at 8 to wait 6 instead of 20: the first is due already, the second at 11."""
    alarms, made, pump = line(20)
    made.pass_on(pump, b"a")
    alarms.pass_time(5)
    made.pass_on(pump, b"b")
    alarms.pass_time(8)
    made.hold(6 * MS)
    assert pump.delivered == [(b"a", 8)]
    alarms.pass_time(11)
    assert pump.delivered == [(b"a", 8), (b"b", 11)]


def test_a_longer_delay_too():
    """Came at 0 to wait 20, asked at 10 to wait 50: nothing at 20, due at 50."""
    alarms, made, pump = line(20)
    made.pass_on(pump, b"a")
    alarms.pass_time(10)
    made.hold(50 * MS)
    alarms.pass_time(49)
    assert pump.delivered == []
    alarms.pass_time(50)
    assert pump.delivered == [(b"a", 50)]


def test_what_is_held_for_ever_goes_on_when_it_may_and_before_what_comes_later():
    """Nothing in an hour; then all at once, and what comes then comes after it."""
    alarms, made, pump = line(None)
    made.pass_on(pump, b"a")
    made.pass_on(pump, Sign.GONE)
    alarms.pass_time(3_600_000)
    assert (pump.delivered, alarms.set) == ([], [])
    made.hold(0)
    made.pass_on(pump, b"b")
    assert pump.delivered == [(b"a", 3_600_000), (Sign.GONE, 3_600_000), (b"b", 3_600_000)]


def test_an_alarm_of_a_delay_that_was_given_up_does_no_harm():
    """Set for 20, then held for ever: at 20 nothing goes on."""
    alarms, made, pump = line(20)
    made.pass_on(pump, b"a")
    made.hold(None)
    alarms.pass_time(20)
    assert pump.delivered == []
    made.hold(30 * MS)
    alarms.pass_time(30)
    assert pump.delivered == [(b"a", 30)]
