"""Globe tossing: the share of water on a globe, from where a finger lands (McElreath)."""

from __future__ import annotations

import pymc as pm


def globe(water: int = 6, tosses: int = 9) -> pm.Model:
    """Binomial data with a uniform prior on the share ``p``; the posterior is a beta distribution.

    Parameters
    ----------
    water : int
        Number of tosses that landed on water.
    tosses : int

    Returns
    -------
    pymc.Model
    """
    with pm.Model() as model:
        p = pm.Uniform("p", 0.0, 1.0)
        pm.Binomial("water", n=tosses, p=p, observed=water)
    return model
