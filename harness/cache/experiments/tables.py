"""The databases of a run: a pool of connections to each, and in each a table of rows in the shape that a trial asks for."""

from collections.abc import Mapping

from harness.cache.experiments import rows
from harness.cache.experiments.pool import Pool
from harness.cache.experiments.rows import Shape, Versions
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint


class Tables:
    """Makes a table anew only where its shape changes: versions go on, over all trials that read it."""

    def __init__(self, endpoints: Mapping[Engine, SqlEndpoint]) -> None:
        self._endpoints = endpoints
        self._pools: dict[Engine, Pool[SqlConnection]] = {}
        self._made: dict[Engine, tuple[Shape, Versions]] = {}

    def pool(self, engine: Engine) -> Pool[SqlConnection]:
        """The connections of one database."""
        if engine not in self._pools:
            self._pools[engine] = Pool(lambda: connect(self._endpoints[engine]))
        return self._pools[engine]

    def make(self, engine: Engine, shape: Shape) -> None:
        """See to it that there is a table of that shape."""
        if engine in self._made and self._made[engine][0] == shape:
            return
        with connect(self._endpoints[engine]) as connection:
            rows.fill(connection, shape)
        self._made[engine] = shape, Versions([0] * shape.keys)

    def versions(self, engine: Engine) -> Versions | None:
        """Of the table that is there; None where this process hasn't made it."""
        return self._made[engine][1] if engine in self._made else None

    def learn(self, engine: Engine) -> dict[int, int]:
        """After a trial that wrote, in whichever processes: the version of every row, as the database has it."""
        newest = self.newest(engine)
        self._made[engine][1].learn(newest)
        return newest

    def values(self, engine: Engine, shape: Shape) -> dict[str, bytes]:
        """Every row as a reader would have it now, by its name in the cache."""
        versions, payload = self._made[engine][1], shape.payload()
        return {rows.name_of(key): rows.value_of(versions.committed[key], payload) for key in range(shape.keys)}

    def newest(self, engine: Engine) -> dict[int, int]:
        """The version of every row, as the database has it."""
        with connect(self._endpoints[engine]) as connection:
            return rows.versions(connection)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
