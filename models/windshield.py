"""Hardness of car windshields from two production lines: normal data, both parameters unknown."""

from __future__ import annotations

import pymc as pm

LINES = {
    1: (13.357, 14.928, 14.896, 15.297, 14.82, 12.067, 14.824, 13.865, 17.447),
    2: (
        15.98, 14.206, 16.011, 17.25, 15.993, 15.722, 17.143,
        15.23, 15.125, 16.609, 14.735, 15.881, 15.789,
    ),
}  # fmt: skip


def windshield(line: int = 1) -> pm.Model:
    """Normal data with p(mu, log sigma) proportional to 1.

    Parameters
    ----------
    line : {1, 2}
        Production line, ``windshieldy1`` or ``windshieldy2``.

    Returns
    -------
    pymc.Model
        With ``mu``, ``log_sigma``, and ``sigma``; mu has a t distribution with n - 1 degrees of
        freedom.

    Raises
    ------
    ValueError
        When there is no such line.
    """
    if line not in LINES:
        raise ValueError(f"line must be one of {tuple(LINES)}, but {line!r} was given.")
    hardness = LINES[line]
    with pm.Model(coords={"windshield": range(len(hardness))}) as model:
        mu = pm.Flat("mu")
        log_sigma = pm.Flat("log_sigma")
        sigma = pm.Deterministic("sigma", pm.math.exp(log_sigma))
        pm.Normal("hardness", mu, sigma, observed=hardness, dims="windshield")
    return model
