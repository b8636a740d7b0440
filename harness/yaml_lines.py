"""Reads a YAML file with the line of every key and entry, so that an error can name its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.config_words import KeyPath
from harness.errors import UsageError


def read_lines(
    path: Path, way_out: str = "give a configuration with --config"
) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """The document, empty where the file is, and the line of each key path in it.

    Raises UsageError with file and line for what isn't YAML, no mapping, or has a key twice; for what can't be read, with ``way_out``.
    """
    try:
        text = path.read_text()
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        numbered = list(_line_numbers(root, ())) if root else []  # before merged keys are put in their places
        document = (yaml.SafeLoader("").construct_document(root) if root else None) or {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; {way_out}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error.reason})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{path.name}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path.name}:1: expected keys and values, found {type(document).__name__}")
    lines: dict[KeyPath, int] = {}
    for key_path, line_number in numbered:
        if key_path in lines:
            raise UsageError(
                f"{path.name}:{line_number}: {'.'.join(map(str, key_path))} stands in line {lines[key_path]} already; keep one"
            )
        lines[key_path] = line_number
    return document, lines


def _line_numbers(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, key.value)
            yield here, key.start_mark.line + 1
            yield from _line_numbers(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
