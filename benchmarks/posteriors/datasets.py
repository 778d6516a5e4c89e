"""Real data that ship inside statsmodels and scikit-learn, as plain arrays; no network.

Predictors are standardised unless a name says "raw".
"""

from __future__ import annotations

from functools import cache

import numpy as np


def standardised(columns: np.ndarray) -> np.ndarray:
    """Columns (N, K) with mean 0 and standard deviation 1."""
    columns = np.asarray(columns, dtype=float)
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


def with_intercept(columns: np.ndarray) -> np.ndarray:
    """A design matrix (N, 1 + K): a column of ones first."""
    return np.column_stack([np.ones(len(columns)), columns])


@cache
def from_statsmodels(name: str) -> dict[str, np.ndarray]:
    """Columns of a data set of statsmodels, by name."""
    import statsmodels.datasets

    table = getattr(statsmodels.datasets, name).load_pandas().data
    return {str(column): table[column].to_numpy() for column in table.columns}


@cache
def from_sklearn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Predictors (N, K) and outcome (N,) of a data set of scikit-learn."""
    import sklearn.datasets

    return getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)


def columns(name: str, *names: str) -> np.ndarray:
    """Some columns of a data set of statsmodels, side by side (N, K)."""
    table = from_statsmodels(name)
    return np.column_stack([table[column].astype(float) for column in names])


def thinned(size: int, wanted: int) -> np.ndarray:
    """Indices of ``wanted`` rows of ``size``, evenly spaced, so that no random seed is needed."""
    return np.linspace(0, size - 1, wanted).round().astype(int)
