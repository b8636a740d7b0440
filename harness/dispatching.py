"""Locust's dispatcher of users, kept from moving any while a trial runs.

Locust gives a worker that joins some of the others' users at once, which it kills for it, and gives away those of a worker that
went missing a minute later, from the first one on. Either would end operations in the middle of a trial. Here nothing moves until it is asked for,
between trials.
"""

from collections.abc import Iterable
from typing import Any

from locust.dispatch import UsersDispatcher


class StandingDispatcher(UsersDispatcher):
    """Who has users is said by ``spread_over`` alone; the master's ``start`` then sends them."""

    @property
    def dispatch_in_progress(self) -> bool:
        """Always: it is what Locust asks before it begins to move users by itself."""
        return True

    def add_worker(self, worker_node: Any) -> None:
        """A worker connected: it waits for its users."""

    def remove_worker(self, worker_node: Any) -> None:
        """A worker left: its users aren't given to others yet."""

    def spread_over(self, workers: Iterable[Any]) -> bool:
        """From the next ``start`` on these workers have all users; whether that changes anything."""
        wanted = {worker.id: worker for worker in workers}
        there = {worker.id: worker for worker in self._worker_nodes}
        for new in wanted.keys() - there.keys():
            super().add_worker(wanted[new])
        for gone in there.keys() - wanted.keys():
            super().remove_worker(there[gone])
        return wanted.keys() != there.keys()

    def shares(self) -> dict[str, int]:
        """How many users each worker is to have, by its id."""
        return {worker: sum(users.values()) for worker, users in self._users_on_workers.items()}
