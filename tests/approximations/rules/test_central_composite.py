"""The central composite design: the normal's moments up to the fourth degree, with weights > 0."""

import itertools

import numpy as np
import pytest

from tripos.approximations.rules.central_composite import central_composite

SIZES = range(2, 11)


def _normal_moment(axes):
    """Expectation of a product of standard normals: 1, 3 for a fourth power, 0 when one is odd."""
    powers = np.bincount(axes)
    return float(np.prod([{0: 1, 2: 1, 4: 3}.get(power, 0) for power in powers]))


@pytest.mark.parametrize("size", SIZES)
def test_weights_are_positive_and_sum_to_one(size):
    design = central_composite(size)
    assert design.weights.min() > 0
    assert design.weights.sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_moments_up_to_the_fourth_degree(size):
    design = central_composite(size)
    for degree in range(1, 5):
        for axes in itertools.combinations_with_replacement(range(size), degree):
            moment = design.weights @ np.prod(design.nodes[:, axes], axis=1)
            assert moment == pytest.approx(_normal_moment(axes), abs=1e-12), axes


@pytest.mark.parametrize("size", SIZES)
def test_all_nodes_but_the_first_lie_on_a_sphere(size):
    nodes = central_composite(size).nodes
    np.testing.assert_array_equal(nodes[0], 0)
    np.testing.assert_allclose(np.sum(nodes[1:] ** 2, axis=1), size + 2)
    assert len(np.unique(nodes.round(9), axis=0)) == len(nodes)


@pytest.mark.parametrize(
    ("size", "count"), [(5, 27), (6, 45), (7, 79), (8, 81), (9, 147), (10, 149)]
)
def test_the_number_of_nodes(size, count):
    assert len(central_composite(size).nodes) == count
