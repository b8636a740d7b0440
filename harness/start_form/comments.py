"""What config.yaml says about each key, in the comments beside and above it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.config_words import KeyPath

_HEADING = re.compile(r"(part|all parts|all other parts)\b")
_COMMENT = re.compile(r"""(?:'[^']*'|"[^"]*"|[^'"#]|(?<=\S)#)*?(?:^|(?<=\s))#\s*(.*)$""")
_MORE = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is said of one key, and under which heading it stands; "" where nothing is."""

    heading: str = ""
    said: str = ""


def notes(text: str, lines: Mapping[KeyPath, int], section: KeyPath) -> dict[str, Note]:
    """The notes of the keys of ``section``, in the file's order; ``lines`` has the line of every key, from 1.

    A comment in a key's line, and those below it that stand further in, are the key's. Comments above it in its own column are too,
    but *part …* is the heading of all keys that follow. What begins with ``…`` goes on from the key before it, whose sentence
    is said first.
    """
    source = text.splitlines()
    depth = len(section) + 1
    keys = sorted((line, str(path[-1])) for path, line in lines.items() if path[:-1] == section and len(path) == depth)
    found: dict[str, Note] = {}
    heading, before, under = "", "", ""
    for line, key in keys:
        above = _above(source, line)
        if _HEADING.match(above):
            heading, above = above, ""
        said = _join(above, _beside(source, line))
        if said.startswith(_MORE) and before and under == heading:
            said = f"{before.removesuffix(_MORE).rstrip()} {said}"
        found[key] = Note(heading=heading, said=said)
        before, under = said, heading
    return found


def _above(source: Sequence[str], line: int) -> str:
    """The comment lines right above ``line`` in the same column, the first first."""
    indent, said = _indent(source[line - 1]), list[str]()
    for above in reversed(source[: line - 1]):
        if not above.lstrip().startswith("#") or _indent(above) != indent:
            break
        said.insert(0, _comment(above))
    return " ".join(said)


def _beside(source: Sequence[str], line: int) -> str:
    """The comment in ``line``, and the comment lines below it that stand further in."""
    indent, said = _indent(source[line - 1]), [_comment(source[line - 1])]
    for below in source[line:]:
        if not below.lstrip().startswith("#") or _indent(below) <= indent:
            break
        said.append(_comment(below))
    return " ".join(filter(None, said))


def _comment(line: str) -> str:
    """What stands behind the first ``#`` that isn't within quotes."""
    found = _COMMENT.match(line)
    return found[1].strip() if found else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _join(above: str, beside: str) -> str:
    return f"{above} {beside}".strip()
