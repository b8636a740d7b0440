"""What is on either side of a comparison, from what was typed: a configuration, overrides, a commit, an endpoint."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.pairs.plan import Letter

_OVERRIDE = re.compile(r"[A-Za-z_][\w.-]*=")
_WAYS = "a configuration (FILE.yaml), KEY=VALUE, commit:REF or endpoint:URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side; its ``words`` are as they were typed. What it doesn't say is as it would be without."""

    letter: Letter
    words: tuple[str, ...]
    config: Path | None = None
    overrides: tuple[str, ...] = ()
    ref: str | None = None
    endpoint: str | None = None

    def as_record(self, name: str, commit: str | None) -> dict[str, Any]:
        """The side as comparison.json has it; ``commit`` is what its reference led to."""
        words = " ".join(self.words) or "the configuration as it is"
        return {"name": name, "words": words, "commit": commit, "endpoint": self.endpoint}


def names_of(sides: Mapping[Letter, Side]) -> dict[Letter, str]:
    """What each is called in a table: what was typed, without where its keys and files are; with its letter where both are alike."""
    names = {letter: ", ".join(map(_short, side.words)) or "as it is" for letter, side in sides.items()}
    if len(set(names.values())) == len(names):
        return names
    return {letter: f"{name} ({letter})" for letter, name in names.items()}


def side_of(letter: Letter, words: Sequence[str]) -> Side:
    """The side that these words add up to. Raises UsageError, in one line, for one that is nothing of the kind."""
    found: dict[str, list[str]] = {"config": [], "override": [], "commit": [], "endpoint": []}
    for word in words:
        kind, text = _kind(letter, word)
        found[kind].append(text)
    for kind in ("config", "commit", "endpoint"):
        if len(found[kind]) > 1:
            what = "configuration" if kind == "config" else kind
            raise UsageError(f"--{letter}: has {' and '.join(found[kind])}; one {what} a side")
    config, ref, endpoint = (found[kind][0] if found[kind] else None for kind in ("config", "commit", "endpoint"))
    return Side(
        letter=letter,
        words=tuple(words),
        config=Path(config).absolute() if config else None,
        overrides=(*_leading_to(endpoint), *found["override"]),
        ref=ref,
        endpoint=endpoint,
    )


def _kind(letter: Letter, word: str) -> tuple[str, str]:
    scheme, _, rest = word.partition(":")
    if scheme == "commit":
        if not rest or rest.startswith("-"):
            raise UsageError(f"--{letter} {word}: expected a commit, such as commit:main or commit:HEAD~3")
        return "commit", rest
    if scheme == "endpoint":
        url = urlsplit(rest)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise UsageError(f"--{letter} {word}: expected a URL, such as endpoint:http://127.0.0.1:8000")
        if url.username or url.password:
            raise UsageError(
                f"--{letter}: the endpoint's URL names who asks; leave that out, it would be kept with the runs"
            )
        return "endpoint", rest
    if _OVERRIDE.match(word):
        return "override", word
    if word.endswith((".yaml", ".yml")):
        if not Path(word).is_file():
            raise UsageError(f"--{letter} {word}: no such file; a side is {_WAYS}")
        return "config", word
    raise UsageError(f"--{letter} {word}: a side is {_WAYS}")


def _leading_to(endpoint: str | None) -> tuple[str, ...]:
    """The overrides that make a run ask there."""
    return () if endpoint is None else ("target=aws", f"aws.dynamodb.endpoint_url={endpoint}")


def _short(word: str) -> str:
    scheme, _, rest = word.partition(":")
    if scheme == "commit":
        return rest
    if scheme == "endpoint":
        return urlsplit(rest).netloc
    key, equals, value = word.partition("=")
    return f"{key.rpartition('.')[2]}={value}" if equals else Path(word).stem
