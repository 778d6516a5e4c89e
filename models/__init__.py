"""Models to learn from and to test with, each a function that returns a plain `pymc.Model`."""

from .bioassay import bioassay
from .catalogue import CATALOGUE, Entry, Truth
from .eight_schools import eight_schools
from .globe import globe
from .linear_regression import linear_regression
from .windshield import windshield

__all__ = [
    "CATALOGUE",
    "Entry",
    "Truth",
    "bioassay",
    "eight_schools",
    "globe",
    "linear_regression",
    "windshield",
]
