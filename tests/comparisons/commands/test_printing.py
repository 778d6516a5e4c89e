"""Tables as a reader sees them."""

import numpy as np
import pandas as pd
from rich.console import Console

from tripos.comparisons.commands.printing import table_of


def _text(frame):
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table_of(frame, "Title"))
    return captured.get()


def test_numbers_gaps_and_repeated_labels():
    index = pd.MultiIndex.from_tuples([("beta", "grid"), ("beta", "nuts")], names=["q", "label"])
    text = _text(pd.DataFrame({"mean": [11.63558, np.nan], "n": [4000, 0]}, index=index))
    assert "11.636" in text
    assert "nan" not in text
    assert text.count("beta") == 1


def test_a_long_table_says_what_it_leaves_out():
    text = _text(pd.DataFrame({"x": np.arange(100.0)}, index=pd.Index(range(100), name="k")))
    assert "and 60 more rows in the file" in " ".join(text.split())
