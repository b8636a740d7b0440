"""The section *Gates* of a report, from the document of gates.json; it stands between two marks, so that it can be put in later."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.render import page
from reports.render.figures import markdown_row

BEGIN, END = "<!-- gates -->", "<!-- end of gates -->"
SHAPES: Mapping[str, str] = {"pass": "✓", "fail": "✗", "inconclusive": "≈", "invalid": "!"}
HEADINGS = ("Gate", "Word", "Figure", "Limit")
MOST_FIGURES = 12  # of one gate; all of them are in gates.json
_ORDER = ("invalid", "fail", "inconclusive", "pass")
_MEANS = {
    "pass": "the limit is kept wherever in its interval the figure truly is",
    "fail": "it is broken everywhere in it",
    "inconclusive": "the interval has the limit in it, or there is none: neither kept nor broken",
    "invalid": "the figure, or the run, can't be asked",
}
METHOD = "; ".join(f"{word}: {meaning}" for word, meaning in _MEANS.items()).capitalize() + "."


def html(document: Mapping[str, Any] | None) -> str:
    """The section as HTML between its marks; nothing is between them where no gate was asked."""
    template = page.environment().get_template("report/gates.html.j2").module
    section = template.gates(document, lead, shown, SHAPES, METHOD) if document else ""  # type: ignore[attr-defined]
    return f"{BEGIN}\n{section}{END}"


def markdown(document: Mapping[str, Any] | None) -> str:
    """The same as Markdown."""
    return "\n".join((BEGIN, *(_lines(document) if document else ()), END))


def placed(text: str, section: str) -> str:
    """The page or Markdown with the section between its marks; as it is where it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{section}{after}" if begin and end else text


def lead(document: Mapping[str, Any]) -> str:
    """How many gates have which word, and what that comes to."""
    words = [gate["word"] for gate in document["gates"]]
    if not words:
        return "No gate was asked."
    counted = ", ".join(f"{words.count(word)} {word}" for word in _ORDER if word in words)
    strict = document["word"] == "inconclusive" and document["exit_code"]
    text = f"{len(words)} gate{'' if len(words) == 1 else 's'}: {counted}"
    against = f"; against {', '.join(document['baselines'])}" if document["baselines"] else ""
    return f"{text}{against}{'; inconclusive counts as failed' if strict else ''}."


def shown(gate: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The figures of a gate that its section shows: the worst first, ``MOST_FIGURES`` of them."""
    return sorted(gate["figures"], key=lambda figure: _ORDER.index(figure["word"]))[:MOST_FIGURES]


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Gates", "", f"**{lead(document)}**", "")
    if document["gates"]:
        yield from (markdown_row(HEADINGS), "|---" * len(HEADINGS) + "|")
    for gate in document["gates"]:
        word = f"{SHAPES[gate['word']]} {gate['word']}"
        figures = shown(gate)
        if len(gate["figures"]) == 1:
            yield markdown_row((f"`{gate['gate']}`", word, figures[0]["measure"], _limit(figures[0])))
        else:
            yield markdown_row((f"`{gate['gate']}`", word, gate["sentence"], figures[0]["bound"]))
    for one in document["not_asked"]:
        yield markdown_row((f"`{one['gate']}`", "not asked", one["reason"], ""))
    yield ""
    for sentence in document["warnings"]:
        yield from (f"> {sentence}", "")
    yield from (METHOD, "")


def _limit(figure: Mapping[str, Any]) -> str:
    return f"{figure['bound']}: {figure['reason']}" if figure["reason"] else str(figure["bound"])
