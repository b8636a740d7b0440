"""Update expressions at work: bound to a request's names and values, applied to a copy of an item.

Every right-hand side and every list position means the item as it was before the update; the old item is never changed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from harness.local.dynamodb.data.values import MAX_DEPTH, Value, number
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.conditions import Bound, bind_operand, check_is_path, wrong_type
from harness.local.dynamodb.expressions.paths import BoundPath, Item, Selection, lookup, project, select
from harness.local.dynamodb.expressions.trees import Action, Call, Operand, Path, Placeholder, Sum, Update, parts_of
from harness.local.dynamodb.expressions.well_formed import invalid, miscount

_KIND = "UpdateExpression"
# Numbers reach from 1E125 down to digits at 1E-167: 300 digits hold any sum of two exactly.
_EXACT = Context(prec=300)
_MAX_DIGITS = 38
_SETS = ("SS", "NS", "BS")
_TYPE_NAMES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "NULL": "NULL", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP"}
_MISTYPED = "An operand in the update expression has an incorrect data type"
_NO_PLACE = "The document path provided in the update expression is invalid for update"
_NOT_THERE = "The provided expression refers to an attribute that does not exist in the item"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"

Evaluate = Callable[[Item], Value | None]  # what to store; None where an attribute that is asked for isn't there


@dataclass(frozen=True, slots=True)
class _Step:
    """One bound action; ``constant`` is what ADD adds or DELETE takes away."""

    verb: str
    path: BoundPath
    evaluate: Evaluate | None
    constant: Value | None


@dataclass(slots=True)
class _Edits:
    """What changes in one list: by old positions, and what goes beyond its end."""

    members: list[Value]
    removed: set[int] = field(default_factory=set)
    appended: list[tuple[int, Value]] = field(default_factory=list)

    def carry_out(self) -> None:
        kept = [member for at, member in enumerate(self.members) if at not in self.removed]
        self.members[:] = kept + [value for _, value in sorted(self.appended, key=lambda one: one[0])]


@dataclass(frozen=True, slots=True)
class Updater:
    """A bound update: the paths it writes to, and what it makes of an item."""

    paths: tuple[BoundPath, ...]
    creates: bool  # whether it makes an item where there is none: an update that only takes away doesn't
    _steps: tuple[_Step, ...]
    _selection: Selection

    def apply(self, item: Item, *, is_new: bool = False) -> dict[str, Value]:
        """The item after the update; ``is_new`` where there was none, and ``item`` is its key only.

        Raises the service's errors for operands and paths that the item doesn't have, or has of another type.
        """
        steps = [step for step in self._steps if not (is_new and step.verb == "REMOVE" and len(step.path) > 1)]
        for step in steps:
            _check_container(item, step.path)
        changes = [(step.path, _outcome(step, item)) for step in steps]
        for step in steps:
            if len(step.path) > 1 and lookup(item, step.path[:-1]) is None:
                raise validation(_NO_PLACE)
        if any(outcome is _MISSING for _, outcome in changes):
            raise validation(_NOT_THERE)
        for path, outcome in changes:
            if isinstance(outcome, dict) and len(path) - 1 + _levels(outcome) > MAX_DEPTH:
                raise validation("Nesting Levels have exceeded supported limits")
        return _changed(item, changes)

    def updated(self, item: Item) -> dict[str, Value]:
        """The parts of an item that the update names: UPDATED_OLD of the old item, UPDATED_NEW of the new one."""
        return project(item, self._selection)


def bind_update(update: Update, bindings: Bindings) -> Updater:
    """An update bound to names and values. Raises what they show to be wrong, in the service's order."""
    actions = update.actions
    parts = [part for action in actions for part in parts_of(action.path, action.value)]
    for path in (part for part in parts if isinstance(part, Path)):
        bindings.path(path, _KIND)
    for placeholder in (part for part in parts if isinstance(part, Placeholder)):
        bindings.value(placeholder, _KIND)
    paths = tuple(bindings.path(action.path, _KIND) for action in actions)
    selection = select(paths, _KIND)
    constants = [_constant(action, bindings) for action in actions]
    steps = tuple(
        _Step(action.verb, path, _evaluator(action, bindings), constant)
        for action, path, constant in zip(actions, paths, constants, strict=True)
    )
    creates = any(action.verb in ("SET", "ADD") for action in actions)
    return Updater(paths, creates, steps, selection)


def _constant(action: Action, bindings: Bindings) -> Value | None:
    """What ADD or DELETE is given, of a type that they take."""
    if action.verb not in ("ADD", "DELETE"):
        return None
    assert isinstance(action.value, Placeholder)
    constant = bindings.value(action.value, _KIND)
    (kind,) = constant
    if kind not in _SETS and (action.verb, kind) != ("ADD", "N"):
        raise invalid(
            _KIND,
            f"Incorrect operand type for operator or function; operator: {action.verb}, "
            f"operand type: {_TYPE_NAMES[kind]}, typeSet: ALLOWED_FOR_{action.verb}_OPERAND",
        )
    return constant


def _evaluator(action: Action, bindings: Bindings) -> Evaluate | None:
    if action.verb != "SET" or action.value is None:
        return None
    if not isinstance(action.value, Sum):
        return _bind(action.value, bindings).get
    left, right = (_bind(operand, bindings) for operand in action.value.args)
    for operand in (left, right):
        if operand.constant is not None and operand.type != "N":
            raise wrong_type(action.value.sign, operand.type, _KIND)
    sign = action.value.sign
    return _joined(left, right, "N", lambda one, other: _sum(one, other, sign))


def _bind(operand: Operand, bindings: Bindings) -> Bound:
    """An operand of SET: a path, a value or one of the two functions."""
    if not isinstance(operand, Call):
        return bind_operand(operand, bindings, _KIND)
    miscounted = miscount(operand.name, len(operand.args))
    if miscounted:
        raise invalid(_KIND, miscounted)
    left, right = _bind(operand.args[0], bindings), _bind(operand.args[1], bindings)
    if operand.name == "if_not_exists":
        check_is_path(operand.name, left, _KIND)
        return Bound(lambda item: found if (found := left.get(item)) is not None else right.get(item))
    for arg in (left, right):
        if arg.constant is not None and arg.type != "L":
            raise wrong_type(operand.name, arg.type, _KIND)
    return Bound(_joined(left, right, "L", lambda one, other: [*one, *other]))


def _joined(left: Bound, right: Bound, kind: str, join: Callable[[Any, Any], Any]) -> Evaluate:
    """Two operands of one type as one value of it; a wrong type is told before a missing attribute."""

    def evaluate(item: Item) -> Value | None:
        one, other = left.get(item), right.get(item)
        if any(operand is not None and kind not in operand for operand in (one, other)):
            raise validation(_MISTYPED)
        return None if one is None or other is None else {kind: join(one[kind], other[kind])}

    return evaluate


def _sum(one: str, other: str, sign: str = "+") -> str:
    """A sum or difference, exact; one that needs more than 38 digits is an overflow, as the service has it."""
    added = _EXACT.add if sign == "+" else _EXACT.subtract
    exact = added(Decimal(one), Decimal(other)).normalize(_EXACT)
    if len(exact.as_tuple().digits) > _MAX_DIGITS:
        raise validation(_OVERFLOW)
    return number(str(exact))


class _Missing:
    """SET asks for an attribute that isn't there."""


_MISSING = _Missing()
_Outcome = Value | _Missing | None  # None: nothing lies there afterwards


def _outcome(step: _Step, item: Item) -> _Outcome:
    """What lies at a step's path afterwards."""
    if step.evaluate is not None:
        value = step.evaluate(item)
        return _MISSING if value is None else value
    if step.constant is None:
        return None
    current = lookup(item, step.path)
    if current is None:
        return step.constant if step.verb == "ADD" else None
    ((kind, given),) = step.constant.items()
    if kind not in current:
        raise validation(_MISTYPED)
    held = current[kind]
    if kind == "N":
        return {"N": _sum(held, given)}
    if step.verb == "ADD":
        there = set(held)
        return {kind: [*held, *(member for member in given if member not in there)]}
    gone = set(given)
    left = [member for member in held if member not in gone]
    return {kind: left} if left else None


def _check_container(item: Item, path: BoundPath) -> None:
    """Raise where what should hold a path's last step is there, but is no map for a name or no list for a position."""
    container = lookup(item, path[:-1]) if len(path) > 1 else None
    if container is not None and ("L" if isinstance(path[-1], int) else "M") not in container:
        raise validation(_NO_PLACE)


def _changed(item: Item, changes: list[tuple[BoundPath, _Outcome]]) -> dict[str, Value]:
    """A copy of an item with other values at some paths; nothing that the old one holds is touched."""
    changed = dict(item)
    for name in {str(path[0]) for path, _ in changes if len(path) > 1}:
        changed[name] = _copy(changed[name])
    edits: dict[BoundPath, _Edits] = {}
    places = list(_places(changed, changes))  # all are found before the first is written to
    for (path, outcome), content in zip(changes, places, strict=True):
        last = path[-1]
        if isinstance(content, list):
            _edit(edits.setdefault(path[:-1], _Edits(content)), int(last), outcome)
        elif isinstance(outcome, dict):
            content[str(last)] = outcome
        else:
            content.pop(str(last), None)
    for one in edits.values():
        one.carry_out()
    return changed


def _places(changed: dict[str, Value], changes: list[tuple[BoundPath, _Outcome]]) -> Iterator[Any]:
    """The dictionary or list that holds the last step of each path."""
    for path, _ in changes:
        container = lookup(changed, path[:-1]) if len(path) > 1 else {"M": changed}
        assert container is not None
        yield next(iter(container.values()))


def _edit(edits: _Edits, at: int, outcome: _Outcome) -> None:
    if isinstance(outcome, dict):
        if at < len(edits.members):
            edits.members[at] = outcome
        else:
            edits.appended.append((at, outcome))
    elif at < len(edits.members):
        edits.removed.add(at)


def _copy(value: Value) -> Value:
    """A value whose maps and lists can be written to."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: _copy(member) for name, member in content.items()}}
    return {"L": [_copy(member) for member in content]} if kind == "L" else value


def _levels(value: Mapping[str, Any]) -> int:
    """How deep a value is nested: 1 for all but a map or list with members."""
    ((kind, content),) = value.items()
    members = content.values() if kind == "M" else content if kind == "L" else ()
    return 1 + max(map(_levels, members), default=0)
