"""What can be typed into the table: read, or answered with a sentence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tripos.approximations.errors import ArgumentError


@pytest.fixture(scope="module")
def dose_table(beside_notebooks):
    import dose_table

    return dose_table


def _table(*rows):
    return pd.DataFrame(rows, columns=["log dose", "animals", "deaths"], dtype=object)


def test_the_books_table_is_read_as_it_was_written(dose_table):
    read = dose_table.read_doses(dose_table.table_of(dose_table.BOOK))
    for name, value in dose_table.BOOK.data.items():
        np.testing.assert_array_equal(read.data[name], value)
    assert read.labels == ["-0.86", "-0.30", "-0.05", "+0.73"]


def test_another_table(dose_table):
    read = dose_table.read_doses(_table((" 1.5 ", "7", "7.0"), ("−2", 3, 0)))
    assert read.log_doses.tolist() == [1.5, -2.0]
    assert read.animals.tolist() == [7, 3]
    assert read.deaths.tolist() == [7, 0]
    assert read.deaths.dtype.kind == "i"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("0.1", "5", "6"), "Row 2: of 5 animals, 6 cannot have died"),
        (("0.1", "5", "-1"), "Row 2: of 5 animals, -1 cannot have died"),
        (("0.1", "0", "0"), "Row 2: the number of animals must be from 1 to 1,000,000"),
        (("0.1", "5000000000", "0"), "from 1 to 1,000,000, but 5000000000"),
        (("0.1", "5", "two"), "Row 2: the number of deaths must be a number.*“two”"),
        (("0.1", "5", "2.5"), "Row 2: the number of deaths must be a whole number.*“2.5”"),
        (("high", "5", "2"), "Row 2: the log dose must be a number.*“high”"),
        (("inf", "5", "2"), "Row 2: the log dose must be a number"),
        (("nan", "5", "2"), "Row 2: the log dose must be a number"),
        (("0.1", "5", ""), "Row 2 has no deaths"),
        (("0.1", None, "2"), "Row 2 has no animals"),
        ((float("nan"), "5", "2"), "Row 2 has no log dose"),
        (("", "", None), "Row 2 is empty"),
    ],
)
def test_impossible_rows(dose_table, row, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        dose_table.read_doses(_table(("-0.3", "5", "1"), row))


def test_no_rows(dose_table):
    with pytest.raises(ArgumentError, match="no rows"):
        dose_table.read_doses(_table())


def test_a_column_that_was_removed(dose_table):
    with pytest.raises(ArgumentError, match="but deaths is gone"):
        dose_table.read_doses(_table(("0", "5", "1")).drop(columns="deaths"))


@given(rows=st.lists(st.tuples(*[st.one_of(st.none(), st.text(max_size=6))] * 3), max_size=4))
def test_any_text_is_read_or_answered(dose_table, rows):
    try:
        read = dose_table.read_doses(_table(*rows))
    except ArgumentError:
        return
    assert np.all(read.deaths <= read.animals)


@given(
    deaths=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    log_dose=st.floats(-100, 100, width=16),
)
def test_what_is_written_is_read_back(dose_table, deaths, log_dose):
    size = len(deaths)
    doses = dose_table.Doses(np.full(size, round(log_dose, 2)), np.full(size, 9), np.array(deaths))
    read = dose_table.read_doses(dose_table.table_of(doses))
    for name, value in doses.data.items():
        np.testing.assert_array_equal(read.data[name], value)
