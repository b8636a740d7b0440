"""What the twin supposes where AWS publishes nothing, given by the user in a JSON file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from harness.dynamodb.autoscaling import AutoscalingParameters
from harness.dynamodb.parameters import AdmissionParameters
from harness.errors import UsageError
from harness.local.dynamodb.tables.parameters import TableParameters

MAX_SPEED = 1_000_000
"""How much faster than the wall's the twin's clock may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """All of them; docs/twin.md says of each where its default is from."""

    admission: AdmissionParameters = field(default_factory=AdmissionParameters)
    autoscaling: AutoscalingParameters = field(default_factory=AutoscalingParameters)
    tables: TableParameters = field(default_factory=TableParameters)


_GROUPS: dict[str, type[Any]] = {
    "admission": AdmissionParameters,
    "autoscaling": AutoscalingParameters,
    "tables": TableParameters,
}
_NOT_GIVEN = {"partition_limits", "day_began_s"}  # an option of its own; where the clock began


def read_parameters(path: Path) -> Parameters:
    """The parameters of a file such as ``{"admission": {"initial_fill": 0}}``; raises UsageError with what is wrong."""
    try:
        asked = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"--parameters {path}: {error.strerror}; name a readable file") from error
    except ValueError as error:
        raise UsageError(f"--parameters {path}: not JSON: {error}") from error
    if not isinstance(asked, dict) or not all(isinstance(group, dict) for group in asked.values()):
        raise UsageError(f"--parameters {path}: expected an object of objects, by {', '.join(_GROUPS)}")
    made = {}
    for name, values in asked.items():
        if name not in _GROUPS:
            raise UsageError(f"--parameters {path}: {name}: unknown; there are {', '.join(_GROUPS)}")
        made[name] = _made(f"--parameters {path}: {name}", _GROUPS[name], values)
    return Parameters(**made)


def supposed(base: AdmissionParameters, values: Mapping[str, Any]) -> AdmissionParameters:
    """``base`` with some of its parameters otherwise; raises UsageError with what is wrong."""
    return cast("AdmissionParameters", _made("admission", AdmissionParameters, values, base))


def _made(where: str, kind: type[Any], values: Mapping[str, Any], base: Any = None) -> Any:
    """``values`` checked; the rest as ``base`` has it, or by default."""
    hidden = _NOT_GIVEN if base is None else {"day_began_s"}
    known = {one.name: one.default for one in fields(kind) if one.name not in hidden}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{where}.{name}: unknown; there are {', '.join(known)}")
        default = known[name]
        wanted = "true or false" if isinstance(default, bool) else "a number of 0 or more"
        is_flag, is_number = isinstance(value, bool), isinstance(value, int | float) and not isinstance(value, bool)
        if (isinstance(default, bool) and not is_flag) or (
            not isinstance(default, bool) and not (is_number and value >= 0)
        ):
            raise UsageError(f"{where}.{name}: expected {wanted}, got {json.dumps(value)}")
    try:
        return kind(**(({} if base is None else asdict(base)) | dict(values)))
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error
