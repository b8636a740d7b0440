"""The grammar of all five expressions: from a text to a tree, with everything refused that the text alone shows to be wrong.

The parser is LALR(1), so no nesting of parentheses or functions exhausts it. Trees are cached by their text; what needs the
request's names and values is checked when a tree is bound to them. Messages: see tests/unit/test_twin_refusals.py.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from harness.local.dynamodb.expressions.trees import (
    Action,
    Call,
    Node,
    Operand,
    Path,
    Placeholder,
    Size,
    Sum,
    Update,
    parts_of,
)
from harness.local.dynamodb.expressions.well_formed import check, invalid

MAX_BYTES = 4096
_PARSED = 4096  # trees kept of each kind of text

# A parenthesis may hold a condition or an operand, and a function's call could be either: what stands in one is kept apart
# by whether it is a call (paren_call), certainly an operand (in_operand) or certainly a condition (in_condition).
_GRAMMAR = r"""
?condition: conjunction | condition _OR conjunction -> either
?conjunction: negation | conjunction _AND negation -> both
?negation: primary | _NOT negation -> negated
?primary: comparison | call -> test | paren_call -> test | "(" in_condition ")" -> parenthesis
?in_condition: condition _OR conjunction -> either | conjunction _AND negation -> both | _NOT negation -> negated
    | comparison | "(" in_condition ")" -> parenthesis

?comparison: operand (EQUAL | COMPARATOR) operand -> compared
    | operand _BETWEEN operand _AND operand -> between
    | operand _IN "(" arguments ")" -> within

?operand: path | VALUE -> value | call | paren_call | "(" in_operand ")" -> parenthesis
?in_operand: path | VALUE -> value | "(" in_operand ")" -> parenthesis
paren_call: "(" call ")" -> parenthesis | "(" paren_call ")" -> parenthesis
call: NAME "(" arguments ")"
arguments: operand ("," operand)*

path: (NAME | ALIAS) ("." (NAME | ALIAS) | "[" INDEX "]")*
projection: path ("," path)*

update: section+
?section: _SET set_action ("," set_action)* -> set_section
    | _REMOVE path ("," path)* -> remove_section
    | _ADD with_value ("," with_value)* -> add_section
    | _DELETE with_value ("," with_value)* -> delete_section
set_action: path "=" (operand | sum | paren_sum)
sum: operand SIGN operand
paren_sum: "(" sum ")" -> parenthesis | "(" paren_sum ")" -> parenthesis
with_value: path VALUE

_AND.2: /and\b/i
_OR.2: /or\b/i
_NOT.2: /not\b/i
_BETWEEN.2: /between\b/i
_IN.2: /in\b/i
_SET.2: /set\b/i
_REMOVE.2: /remove\b/i
_ADD.2: /add\b/i
_DELETE.2: /delete\b/i
EQUAL: "="
COMPARATOR: "<>" | "<=" | ">=" | "<" | ">"
SIGN: "+" | "-"
NAME: /[A-Za-z][A-Za-z0-9_]*/
ALIAS: /#[A-Za-z0-9_]+/
VALUE: /:[A-Za-z0-9_]+/
INDEX: /0|[1-9][0-9]*/
%ignore /[ \t\r\n]+/
"""
_TOKENS = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[#:][A-Za-z0-9_]+|0|[1-9][0-9]*|<>|<=|>=|[^ \t\r\n]")


@dataclass(frozen=True, slots=True)
class _Parenthesis:
    """What stood in parentheses; gone from finished trees."""

    inner: Any


class _RedundantError(Exception):
    """Parentheses directly in parentheses: refused before any later error of syntax."""


def _bare(part: Any) -> Any:
    return part.inner if isinstance(part, _Parenthesis) else part


def _operand(part: Any) -> Any:
    """A part that stands as an operand: a call of size with one argument becomes a Size."""
    part = _bare(part)
    return Size(part.args[0]) if isinstance(part, Call) and part.name == "size" and len(part.args) == 1 else part


@v_args(inline=True)
class _Tree(Transformer[Token, Any]):
    """Makes the tree while the text is parsed."""

    def parenthesis(self, inner: Any) -> _Parenthesis:
        if isinstance(inner, _Parenthesis):
            raise _RedundantError
        return _Parenthesis(inner)

    def either(self, left: Any, right: Any) -> Node:
        return _row("or", left, right)

    def both(self, left: Any, right: Any) -> Node:
        return _row("and", left, right)

    def negated(self, inner: Any) -> Node:
        return Node("not", (_bare(inner),))

    def test(self, call: Any) -> Node:
        call = _bare(call)
        return Node(call.name, call.args)

    def compared(self, left: Any, comparator: Token, right: Any) -> Node:
        return Node(str(comparator), (_operand(left), _operand(right)))

    def between(self, subject: Any, low: Any, high: Any) -> Node:
        return Node("between", (_operand(subject), _operand(low), _operand(high)))

    def within(self, subject: Any, choices: Any) -> Node:
        return Node("in", (_operand(subject), *choices))

    def value(self, name: Token) -> Placeholder:
        return Placeholder(str(name))

    def call(self, name: Token, args: Any) -> Call:
        return Call(str(name), args)

    def arguments(self, *args: Any) -> tuple[Operand, ...]:
        return tuple(map(_operand, args))

    def path(self, *parts: Token) -> Path:
        return Path(tuple(int(part) if part.type == "INDEX" else str(part) for part in parts))

    def projection(self, *paths: Path) -> tuple[Path, ...]:
        return paths

    def sum(self, left: Any, sign: Token, right: Any) -> Sum:
        return Sum(str(sign), (_operand(left), _operand(right)))

    def set_action(self, path: Path, value: Any) -> Action:
        return Action("SET", path, _operand(value))

    def with_value(self, path: Path, name: Token) -> tuple[Path, Placeholder]:
        return path, Placeholder(str(name))

    def set_section(self, *actions: Action) -> tuple[Action, ...]:
        return actions

    def remove_section(self, *paths: Path) -> tuple[Action, ...]:
        return tuple(Action("REMOVE", path, None) for path in paths)

    def add_section(self, *pairs: tuple[Path, Placeholder]) -> tuple[Action, ...]:
        return tuple(Action("ADD", *pair) for pair in pairs)

    def delete_section(self, *pairs: tuple[Path, Placeholder]) -> tuple[Action, ...]:
        return tuple(Action("DELETE", *pair) for pair in pairs)

    def update(self, *sections: tuple[Action, ...]) -> tuple[tuple[Action, ...], ...]:
        return sections


def _row(op: str, left: Any, right: Any) -> Node:
    """Two conditions joined; a third joins the row unless parentheses hold it apart."""
    before = left.args if isinstance(left, Node) and left.op == op else (_bare(left),)
    return Node(op, (*before, _bare(right)))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    starts = ["condition", "projection", "update"]
    return Lark(_GRAMMAR, start=starts, parser="lalr", lexer="basic", transformer=_Tree(), maybe_placeholders=False)


def _parse(text: str, kind: str, start: str) -> Any:
    if not text:
        raise invalid(kind, "The expression can not be empty;")
    size = len(text.encode())
    if size > MAX_BYTES:
        raise invalid(kind, f"Expression size has exceeded the maximum allowed size; expression size: {size}")
    try:
        return _bare(_parser().parse(text, start=start))
    except _RedundantError:
        raise invalid(kind, "The expression has redundant parentheses;") from None
    except UnexpectedInput as found:
        at_end = isinstance(found, UnexpectedToken) and found.token.type == "$END"
        raise invalid(kind, _syntax(text, len(text) if at_end else found.pos_in_stream or 0)) from None


def _syntax(text: str, place: int) -> str:
    """What the service says of a token that doesn't fit: the token, and it with its neighbours on both sides."""
    before, after, wrong = 0, len(text), "<EOF>"
    for found in _TOKENS.finditer(text):
        if found.start() < place:
            before = found.start()
        elif found.start() == place:
            wrong = found[0]
        else:
            after = found.end()
            break
    return f'Syntax error; token: "{wrong}", near: "{text[before:after]}"'


@lru_cache(maxsize=_PARSED)
def parse_condition(text: str, kind: str) -> Node:
    """The tree of a condition; ``kind`` (FilterExpression, …) names it in errors."""
    root: Node = _parse(text, kind, "condition")
    check(parts_of(root), kind)
    return root


@lru_cache(maxsize=_PARSED)
def parse_projection(text: str) -> tuple[Path, ...]:
    """The paths of a ProjectionExpression."""
    paths: tuple[Path, ...] = _parse(text, "ProjectionExpression", "projection")
    check(iter(paths), "ProjectionExpression")
    return paths


@lru_cache(maxsize=_PARSED)
def parse_update(text: str) -> Update:
    """The actions of an UpdateExpression."""
    kind = "UpdateExpression"
    sections: tuple[tuple[Action, ...], ...] = _parse(text, kind, "update")
    actions = tuple(action for section in sections for action in section)
    check((part for action in actions for part in parts_of(action.path, action.value)), kind)
    verbs = [section[0].verb for section in sections]
    for at, verb in enumerate(verbs):
        if verb in verbs[:at]:
            raise invalid(kind, f'The "{verb}" section can only be used once in an update expression;')
    return Update(actions)
