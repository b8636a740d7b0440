"""What a condition demands of an item's bytes, so that a Scan need not parse what can't pass.

An item lies there as orjson writes it: no spaces, one form for each text, each value an object of one member. An attribute
``name`` that holds the text ``abc`` is therefore exactly the bytes ``"name":{"S":"abc"}``. All found here is necessary,
never sufficient: the same bytes can stand elsewhere in the item, so who finds them still asks the condition.
"""

from collections.abc import Callable

import orjson

from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.trees import Node, Path, Placeholder

BytesTest = Callable[[bytes], bool]
_SCALARS = frozenset(("S", "N", "B", "BOOL", "NULL"))


def prefilter(node: Node, bindings: Bindings, kind: str) -> BytesTest | None:
    """A test that the bytes of every item which passes must stand, or None where the condition gives none."""
    if node.op in ("and", "or"):
        tests = [prefilter(arg, bindings, kind) for arg in node.args if isinstance(arg, Node)]
        known = [test for test in tests if test is not None]
        if not known or (node.op == "or" and len(known) < len(tests)):
            return None
        return _every(known) if node.op == "and" else _some(known)
    needles = _needles(node, bindings, kind)
    if needles is None:
        return None
    if len(needles) == 1:
        (needle,) = needles
        return lambda raw: needle in raw
    return lambda raw: any(needle in raw for needle in needles)


def _every(tests: list[BytesTest]) -> BytesTest:
    if len(tests) == 1:
        return tests[0]
    return lambda raw: all(test(raw) for test in tests)


def _some(tests: list[BytesTest]) -> BytesTest:
    return lambda raw: any(test(raw) for test in tests)


def _needles(node: Node, bindings: Bindings, kind: str) -> list[bytes] | None:
    """Bytes of which a passing item has at least one; None where a leaf demands none."""
    args = list(node.args)
    if node.op == "=" and isinstance(args[0], Placeholder):
        args.reverse()
    path, *others = args
    if not isinstance(path, Path):
        return None
    place = _place(path, bindings, kind)
    if node.op == "attribute_exists":
        return [place] if place else None
    constants = [bindings.value(other, kind) for other in others if isinstance(other, Placeholder)]
    if len(constants) < len(others):
        return None
    if node.op in ("=", "in") and all(constant.keys() <= _SCALARS for constant in constants):
        return [place + orjson.dumps(constant) for constant in constants]
    if node.op == "begins_with" and "S" in constants[0]:
        return [place + orjson.dumps(constants[0])[:-2]]  # without the quote and the brace: what follows is open
    if node.op in ("<", "<=", ">", ">=", "between"):
        (of_type,) = {next(iter(constant)) for constant in constants}
        return [place + f'{{"{of_type}":'.encode()]
    return None


def _place(path: Path, bindings: Bindings, kind: str) -> bytes:
    """What stands before the value at a path: its name's JSON and a colon; nothing for a member of a list."""
    last = bindings.path(path, kind)[-1]
    return b"" if isinstance(last, int) else orjson.dumps(last) + b":"
