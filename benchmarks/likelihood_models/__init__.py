"""A model of each distribution of PyMC, with free parameters and 20 observations."""

from collections.abc import Callable, Iterator
from functools import partial

import pymc as pm

from .others import OTHERS
from .scalars import CONTINUOUS, DISCRETE, HURDLES, as_prior, cut, plain, truncated_prior


def builders() -> Iterator[tuple[str, Callable[[], None]]]:
    """Every model by name, as a function that fills the model in context."""
    for name, given in {**CONTINUOUS, **DISCRETE, **HURDLES}.items():
        yield name, partial(plain, name, given)
        if name not in HURDLES:
            yield f"Truncated {name}", partial(cut, name, given, pm.Truncated)
            yield f"Censored {name}", partial(cut, name, given, pm.Censored)
    for name, given in CONTINUOUS.items():
        yield f"{name}, prior", partial(as_prior, name, given)
        yield f"Truncated {name}, prior", partial(truncated_prior, name, given)
    yield from OTHERS.items()
