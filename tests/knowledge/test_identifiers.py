"""DOI and ISBN: however they are written, one form is stored."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies as st

from knowledge import identifiers


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("10.1016/j.wasman.2019.08.012", "10.1016/j.wasman.2019.08.012"),
        ("https://doi.org/10.1016/J.WASMAN.2019.08.012", "10.1016/j.wasman.2019.08.012"),
        ("http://dx.doi.org/10.1289/ehp.9697", "10.1289/ehp.9697"),
        ("  doi:10.1289/ehp.9697. ", "10.1289/ehp.9697"),
        ("(10.1289/ehp.9697)", "10.1289/ehp.9697"),
        ("", ""),
        (" not a DOI ", "not a DOI"),
    ],
)
def test_doi_has_one_form_however_it_is_written(written: str, stored: str) -> None:
    assert identifiers.normalise_doi(written) == stored


@pytest.mark.parametrize(
    "written", ["9789280890549", "978-92-808-9054-9", "ISBN 978 92 808 9054 9", "ISBN: 978‑92‑808‑9054‑9"]
)
def test_isbn_has_one_form_however_it_is_written(written: str) -> None:
    assert identifiers.normalise_isbn(written) == "9789280890549"


@pytest.mark.parametrize(("ten", "thirteen"), [("0-306-40615-2", "9780306406157"), ("0-8044-2957-X", "9780804429573")])
def test_ten_digits_become_thirteen(ten: str, thirteen: str) -> None:
    assert identifiers.normalise_isbn(ten) == thirteen


@pytest.mark.parametrize(
    "wrong", ["978-92-808-9054-8", "0-306-40615-3", "977-92-808-9054-9", "978928089054", "X", "٩٧٨٩٢٨٠٨٩٠٥٤٩"]
)
def test_wrong_isbn_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        identifiers.validate_isbn(wrong)


@pytest.mark.parametrize("right", ["978-92-808-9054-9", "0-306-40615-2", "979-10-90636-07-1"])
def test_right_isbn_is_taken(right: str) -> None:
    identifiers.validate_isbn(right)


@pytest.mark.parametrize("wrong", ["10.1/x", "11.1016/x", "10.1016", "10.1016/", "wasman"])
def test_wrong_doi_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        identifiers.validate_doi(wrong)


@given(st.from_regex(r"\A97[89][0-9]{9}\Z", fullmatch=True), st.integers(0, 11), st.integers(1, 9))
def test_check_digit_notices_any_single_wrong_digit(twelve: str, place: int, shift: int) -> None:
    isbn = identifiers.with_check_digit(twelve)

    wrong = isbn[:place] + str((int(isbn[place]) + shift) % 10) + isbn[place + 1 :]

    assert identifiers.is_isbn(isbn)
    assert not identifiers.is_isbn(wrong)


@given(st.text(max_size=60))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    isbn, doi = identifiers.normalise_isbn(text), identifiers.normalise_doi(text)

    assert identifiers.normalise_isbn(isbn) == isbn
    assert identifiers.normalise_doi(doi) == doi


def test_isbn_is_shown_in_groups() -> None:
    assert identifiers.format_isbn("9789280890549") == "978-928089054-9"
    assert identifiers.format_isbn("") == ""
