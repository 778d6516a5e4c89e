"""Scalars of a posterior, by label."""

import numpy as np
import xarray as xr

from tripos.approximations.scalars.quantities import flatten


def test_labels_and_values():
    numbers = np.arange(24.0).reshape(2, 3, 4)
    posterior = xr.Dataset(
        {
            "mu": (("chain", "draw"), numbers[:, :, 0]),
            "theta": (("chain", "draw", "school"), numbers[:, :, :2]),
            "plain": (("chain", "draw", "plain_dim_0"), numbers[:, :, 2:]),
        },
        coords={"school": ["Choate", "St. Paul's"]},
    )
    scalars = flatten(posterior)
    labels = ["mu", "theta[Choate]", "theta[St. Paul's]", "plain[0]", "plain[1]"]
    assert list(scalars) == labels
    for k, label in enumerate(["mu", "theta[Choate]"]):
        np.testing.assert_array_equal(scalars[label], numbers[:, :, 0], err_msg=str(k))
    np.testing.assert_array_equal(scalars["plain[1]"], numbers[:, :, 3])


def test_a_matrix_goes_row_by_row():
    values = np.arange(4.0).reshape(1, 1, 2, 2)
    posterior = xr.Dataset(
        {"w": (("chain", "draw", "row", "column"), values)},
        coords={"row": ["a", "b"], "column": [10, 20]},
    )
    scalars = {label: float(draws.item()) for label, draws in flatten(posterior).items()}
    assert scalars == {"w[a, 10]": 0.0, "w[a, 20]": 1.0, "w[b, 10]": 2.0, "w[b, 20]": 3.0}


def test_the_mean_of_a_truth_value_is_a_probability():
    posterior = xr.Dataset({"hit": (("chain", "draw"), [[True, False, True, True]])})
    assert flatten(posterior)["hit"].mean() == 0.75
    assert flatten(posterior)["hit"].std() == np.sqrt(0.75 * 0.25)


def test_dims_in_another_order():
    values = np.arange(6.0).reshape(3, 1, 2)
    posterior = xr.Dataset({"x": (("k", "chain", "draw"), values)}, coords={"k": [0, 1, 2]})
    np.testing.assert_array_equal(flatten(posterior)["x[1]"], [[2.0, 3.0]])
