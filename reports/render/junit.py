"""JUnit XML, for whatever shows tests: one case for each thing that was asked.

What is read of it differs, so that everything is said where somebody looks. GitLab shows the *text* of failure, error and skipped, takes
``classname`` for the suite, and of two cases with the same names keeps the first (docs.gitlab.com, Unit test reports). Jenkins shows
the *message* of skipped and splits ``classname`` at its last dot into package and class; it keeps properties where it is told to. What
annotates pull requests on GitHub shows the message. Hence: message and text both carry the sentence, a case that passed has
it in ``system-out``, and properties repeat figures for programs only. No case has a ``time``: none was taken.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Shown = Literal["passed", "failure", "error", "skipped"]
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: ``sentence`` is the line that is shown, ``details`` what follows it; ``type`` is our own word for it.

    ``classname`` and ``name`` are its identity from build to build; they must not hold what changes by itself.
    """

    classname: str
    name: str
    shown: Shown
    type: str
    sentence: str
    details: Sequence[str] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


def junit(name: str, cases: Sequence[Case], *, timestamp: str, properties: Mapping[str, str]) -> str:
    """The file, of one suite; the same input gives the same text. What XML can't hold is replaced by ``?``."""
    counts = {"tests": str(len(cases))} | {
        plural: str(sum(case.shown == shown for case in cases))
        for plural, shown in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    root = ET.Element("testsuites", _clean({"name": "dbharness"} | counts))
    suite = ET.SubElement(root, "testsuite", _clean({"name": name} | counts | {"timestamp": timestamp}))
    _properties(suite, properties)
    for case in cases:
        _case(suite, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", _clean({"classname": case.classname, "name": case.name}))
    _properties(element, case.properties)
    text = "\n".join((case.sentence, *case.details))
    if case.shown == "passed":
        inside = ET.SubElement(element, "system-out")
    else:
        inside = ET.SubElement(element, case.shown, _clean({"type": case.type, "message": case.sentence}))
    inside.text = _NOT_IN_XML.sub("?", text)


def _properties(parent: ET.Element, properties: Mapping[str, str]) -> None:
    if properties:
        inside = ET.SubElement(parent, "properties")
        for name, value in properties.items():
            ET.SubElement(inside, "property", _clean({"name": name, "value": value}))


def _clean(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: _NOT_IN_XML.sub("?", text) for name, text in attributes.items()}
