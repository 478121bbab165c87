"""Tables to download: no cell runs as a formula when a spreadsheet opens the file."""

import pytest

from ewaste_portal.tables import csv_lines, safe_cell

FORMULA = 'HYPERLINK("https://evil.example.org")'


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦"])
@pytest.mark.parametrize(
    "before", ["", " ", "\t", "  \t ", "\n", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00"]
)
def test_formula_is_text_whatever_stands_before_it(before: str, sign: str) -> None:
    assert safe_cell(f"{before}{sign}{FORMULA}") == f"'{before}{sign}{FORMULA}"


@pytest.mark.parametrize(
    "text", ["", " ", "Ministry", " Ministry", "E-waste", "a=b", "وزارة البيئة", "环境部", "1-2", "(=)"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_nothing_is_an_empty_cell_and_numbers_are_text() -> None:
    assert (safe_cell(None), safe_cell(7), safe_cell(-7)) == ("", "7", "'-7")


def test_every_cell_of_a_file_is_safe() -> None:
    lines = list(csv_lines(["a"], [["\t=1+1"], ["＝1+1"]]))

    assert lines == ["\ufeffa\r\n", "'\t=1+1\r\n", "'＝1+1\r\n"]
