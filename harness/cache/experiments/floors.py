"""The floors of part size, whose reads are made of these: a hit, a set, and the read of each database alone."""

from collections.abc import Callable, Mapping, Sequence

from harness.cache.client import KeyCommands
from harness.cache.cluster import open_cache
from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.services import Services
from harness.sql import schema
from harness.sql.connections import connect
from harness.sql.endpoint import DRIVERS, Engine


def floor_probes(
    services: Services, cache: KeyCommands, answers: Mapping[str, bytes], engines: Sequence[Engine], slots: int
) -> list[FloorProbe]:
    """Of the first of ``answers``, which is put into the cache; so many ``slots`` ask at once."""
    name = min(answers)
    value = answers[name]
    cache.set(name, value)

    def held(slot: Slot) -> KeyCommands:
        client: KeyCommands = slot.hold("cache", lambda: open_cache(services.cache_nodes))
        return client

    def get(slot: Slot) -> Observation:
        return Observation(hit=held(slot).get(name) is not None)

    def put(slot: Slot) -> Observation:
        held(slot).set(name, value)
        return Observation()

    def of_cache(op: str, act: Callable[[Slot], Observation]) -> FloorProbe:
        return FloorProbe(
            client="lean", op=op, role="cache", server=cache.address_of(name), key="cache", act=act,
            connect=lambda *there: open_cache(services.cache_nodes, remap=lambda _: there), slots=slots,
        )  # fmt: skip

    def of_database(engine: Engine) -> FloorProbe:
        endpoint = services.sql[engine]

        def read(slot: Slot) -> Observation:
            schema.aircraft(slot.hold(engine, lambda: connect(endpoint)), name)
            return Observation()

        return FloorProbe(
            client=DRIVERS[engine], op="read", role=engine, server=(endpoint.host, endpoint.port), key=engine,
            connect=lambda host, port: connect(endpoint.at(host, port)), act=read, labels={"engine": engine},
            slots=slots,
        )  # fmt: skip

    return [of_cache("get", get), of_cache("set", put), *map(of_database, engines)]
