"""The gallery is made by its tool from a run, and what is committed is whole and small."""

import re
from pathlib import Path

import pytest
from planted_answers import PlantedAnswers, beside, beside_rows, growing_tables
from rundir import PlantedRun

from tools import gallery

MOST_BYTES = 2_000_000


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    """Tables that grow, and neighbours: lines, points and a heatmap."""
    planted = PlantedRun(tmp_path / "run")
    run = PlantedAnswers(planted)
    growing_tables(run)
    beside(run)
    run.write(rows_of=beside_rows)
    return planted


def test_the_page_shows_each_kind_once_with_its_question_its_picture_and_what_it_was_measured_on(
    planted: PlantedRun, tmp_path: Path
) -> None:
    """Vectors but for the heatmap; made twice it is the same, and a picture that isn't of it goes."""
    rooms, page = gallery.of_run(planted.load()), tmp_path / "docs" / "gallery.md"
    page.with_suffix("").mkdir(parents=True)
    (page.with_suffix("") / "of-an-older-run.svg").write_text("<svg/>")
    shown = gallery.write(rooms, page)
    files = {one.name: one.read_bytes() for one in page.with_suffix("").iterdir()}
    assert set(files) == {one.file for one in shown}
    assert [name for name in files if name.endswith(".png")] == ["query_vs_scan-neighbour-time.png"]
    text = page.read_text()
    for one in shown:
        assert text.count(f"**{one.question}**") == 1
        assert f"](gallery/{one.file})" in text
    assert "measured on DynamoDB twin" in text or "measured on dbharness twin" in text
    gallery.write(rooms, page)
    assert {one.name: one.read_bytes() for one in page.with_suffix("").iterdir()} == files
    assert page.read_text() == text


def test_what_is_committed_names_every_picture_and_is_small() -> None:
    """Each with words for who can't see it; 2 MB in all; as many as there are kinds, but for those that a quick run lacks."""
    text = gallery.PAGE.read_text()
    pictures = re.findall(r"^!\[([^\]]+)\]\(gallery/([^)]+)\)$", text, flags=re.MULTILINE)
    files = {one.name: one.stat().st_size for one in gallery.PAGE.with_suffix("").iterdir()}
    assert sorted(file for _, file in pictures) == sorted(files)
    assert all(len(alt) > 30 for alt, _ in pictures)
    assert sum(files.values()) <= MOST_BYTES
    asked = re.findall(r"^\*\*(.+\?)\*\*$", text, flags=re.MULTILINE)
    assert len(asked) == len(pictures) >= len(gallery.KINDS) - 2
    assert set(asked) <= set(gallery.KINDS.values())
