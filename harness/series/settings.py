"""What a series is: how many comparisons of how many pairs can be cut from it, and through which service."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from harness.config import Settings
from harness.series import Through


class SeriesSettings(Settings):
    """``comparisons`` of ``pairs`` pairs; a trial warms up for ``warm_up_s``, then is measured for ``trial_s``.

    After each answer its slot rests for ``think_ms``, so that neither the machine nor the samples are full; 0 asks as fast as it goes.
    """

    through: Through = "dynamodb"
    comparisons: PositiveInt = 20
    pairs: int = Field(default=6, ge=2)
    trial_s: PositiveFloat = 1.0
    warm_up_s: NonNegativeFloat = 0.1
    think_ms: NonNegativeFloat = 1.0
