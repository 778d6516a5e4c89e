"""Models to learn from and to test with, each a function that returns a plain `pymc.Model`."""

from .bioassay import bioassay
from .borrowers import borrowers
from .catalogue import CATALOGUE, Entry, Truth
from .crossed_effects import crossed_effects
from .eight_schools import eight_schools
from .globe import globe
from .linear_regression import linear_regression
from .neural_network import neural_network
from .smooth_trend import smooth_trend
from .varying_slopes import varying_slopes
from .windshield import windshield

__all__ = [
    "CATALOGUE",
    "Entry",
    "Truth",
    "bioassay",
    "borrowers",
    "crossed_effects",
    "eight_schools",
    "globe",
    "linear_regression",
    "neural_network",
    "smooth_trend",
    "varying_slopes",
    "windshield",
]
