"""Real servers for the tests that need them, each started here and gone afterwards."""

from collections.abc import Iterator

import pytest

from harness.local.processes import Warden


@pytest.fixture
def warden() -> Iterator[Warden]:
    keeper = Warden.start()
    yield keeper
    keeper.close()
