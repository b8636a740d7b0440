"""A database in two zones for tests of its clients: it fails and comes back, and its name follows when it is told to."""

from harness.local.dns import DnsServer
from harness.local.processes import Warden
from harness.local.topologies.make import make as make_topology
from harness.scenario import Slot
from harness.sql import ledger
from harness.sql.clients.make import make
from harness.sql.clients.model import ClientSettings, Way
from harness.sql.connections import classify, connect

NAME = "db.test"


class FailingDatabase:
    """A Multi-AZ instance of one engine under a warden of its own."""

    def __init__(self, engine):
        self.engine, self.warden, self.dns = engine, Warden.start(), DnsServer()
        self.topology = make_topology(self.warden, engine, "multi_az_instance")
        self.topology.create()
        self.dns.start()
        self.publish()
        with self.connect() as connection:
            ledger.create(connection)

    def connect(self):
        """To whoever writes now."""
        return connect(self.topology.endpoint(self.topology.writer))

    def publish(self):
        """The name follows the writer."""
        self.dns.move(NAME, self.topology.writer)

    def restart(self):
        """kill -9, and up again where it was."""
        self._up_again_at(self.topology.writer)

    def move(self):
        """kill -9, and up in the other zone; the name stays where it was."""
        self._up_again_at(self.topology.candidate())

    def _up_again_at(self, zone):
        self.topology.crash(self.topology.writer)
        self.topology.fence(self.topology.writer)
        self.topology.promote(zone, lambda *_: None)

    def way(self, **more):
        """As the client arms are given it."""
        names = {"name": NAME, "reader_name": NAME, "addresses": self.topology.zones, **more}
        return Way(
            engine=self.engine, dns=self.dns.address, template=self.topology.endpoint(self.topology.zones[0]), **names
        )

    def close(self):
        """End it all."""
        self.warden.close()
        self.dns.stop()


# A busy machine isn't what these tests are about.
PATIENT = {"connect_timeout_s": 20.0, "read_timeout_s": 20.0, "reference_timeout_s": 20.0}


class Asker:
    """A client arm with a slot, in words: ``ok``, or ``outcome code``."""

    def __init__(self, arm, way, *, connections=2, **settings):
        self.client = make(arm, way, connections=connections, settings=ClientSettings(**{**PATIENT, **settings}))
        self.stamps = []

    def asks(self, sql="SELECT 1", params=(), *, slot=0, write=False):
        """One statement."""
        return self.does(lambda connection: connection.query(sql, params), slot=slot, write=write)

    def does(self, work, *, slot=0, write=False):
        """Any work; what it gave is in ``value``."""
        tried = self.client.attempt(Slot(slot), work)
        self.stamps.append(tried.stamps)
        self.value = tried.value
        return "ok" if tried.error is None else " ".join(classify(tried.error, sent=tried.sent and write))

    def fills_up(self, connections=2):
        """So many connections at once."""
        if connections:
            assert self.does(lambda connection: self.fills_up(connections - 1), slot=connections) == "ok"
