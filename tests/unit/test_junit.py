"""JUnit XML: what GitLab, Jenkins and GitHub each read of a case is where they look for it."""

import xml.etree.ElementTree as ET

from reports.render.junit import Case, Shown, junit


def case(name: str, shown: Shown, **fields: object) -> Case:
    given = {"classname": "a.b", "type": "inconclusive", "sentence": f"{name} says", "details": ("more",)} | fields
    return Case(name=name, shown=shown, **given)  # type: ignore[arg-type]


def written(*cases: Case) -> ET.Element:
    return ET.fromstring(junit("gates", cases, timestamp="2026-11-28T18:29:27+00:00", properties={"run": "r1"}))


def test_what_is_skipped_says_why_in_its_message_and_in_its_text() -> None:
    """Jenkins shows the one, GitLab the other."""
    skipped = written(case("one", "skipped")).find("testsuite/testcase/skipped")
    assert skipped is not None
    assert skipped.attrib == {"type": "inconclusive", "message": "one says"}
    assert skipped.text == "one says\nmore"


def test_a_case_that_passed_says_its_figure_too() -> None:
    """It has no element of its own but system-out."""
    [passed] = written(case("one", "passed")).findall("testsuite/testcase")
    assert [child.tag for child in passed] == ["system-out"]
    assert passed.findtext("system-out") == "one says\nmore"


def test_the_suite_counts_each_kind_of_case() -> None:
    """Five cases: two passed, one of each other kind."""
    kinds: tuple[Shown, ...] = ("passed", "passed", "failure", "error", "skipped")
    root = written(*(case(f"{index}", kind) for index, kind in enumerate(kinds)))
    for element in (root, root.find("testsuite")):
        assert element is not None
        counted = {name: element.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
        assert counted == {"tests": "5", "failures": "1", "errors": "1", "skipped": "1"}


def test_properties_stand_before_the_result_in_suite_and_case() -> None:
    """The order of Jenkins' schema for cases: properties first."""
    root = written(case("one", "failure", properties={"word": "fail", "low": "1.5"}))
    [suite] = root
    assert [child.tag for child in suite] == ["properties", "testcase"]
    assert [(one.attrib["name"], one.attrib["value"]) for one in suite[0]] == [("run", "r1")]
    assert [child.tag for child in suite[1]] == ["properties", "failure"]
    assert [(one.attrib["name"], one.attrib["value"]) for one in suite[1][0]] == [("word", "fail"), ("low", "1.5")]


def test_whatever_a_reason_holds_the_file_can_be_read() -> None:
    """Markup is escaped; a control character, which XML has no way to write, becomes a question mark."""
    reason = 'no <server> & "\x1b[31m" \ud800'
    failure = written(case("a<b", "failure", sentence=reason, details=())).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.text == 'no <server> & "?[31m" ?'
    assert failure.attrib["message"] == failure.text
