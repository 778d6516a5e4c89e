"""A central composite design of nodes for five to ten dimensions.

Box and Wilson (1951), JRSS B 13; Rue, Martino and Chopin (2009), JRSS B 71, section 6.5.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

# Generators of the fractional factorial part: axes that are products of others, as words, so that
# no product of four axes is constant over the corners (resolution five).
_GENERATORS: dict[int, tuple[str, ...]] = {
    5: ("ABCD",),
    6: ("ABCDE",),
    7: ("ABCDEF",),
    8: ("ABCD", "ABEF"),
    9: ("ABCD", "ABEF"),
    10: ("ABCD", "ABEF", "ACEG"),
}


@dataclass(frozen=True)
class Design:
    """Nodes z and weights for expectations under the standard normal in K dimensions.

    Attributes
    ----------
    nodes : (M, K) array
        The centre, 2 K points on the axes, and corners, all at distance sqrt(K + 2) but the first.
    weights : (M,) array
        Positive, with sum 1; the rule is exact for polynomials of degree up to 4.
    """

    nodes: np.ndarray
    weights: np.ndarray


def central_composite(size: int) -> Design:
    """Construct the design.

    All points but the centre lie on a sphere of squared radius K + 2, for which the weights that
    make all moments up to degree four those of the normal are positive.
    """
    axes = np.sqrt(size + 2.0) * np.vstack([np.eye(size), -np.eye(size)])
    corners = np.sqrt((size + 2.0) / size) * _corners(size)
    weights = np.concatenate(
        [
            [2 / (size + 2)],
            np.full(2 * size, 1 / (size + 2) ** 2),
            np.full(len(corners), size**2 / (size + 2) ** 2 / len(corners)),
        ]
    )
    return Design(np.vstack([np.zeros((1, size)), axes, corners]), weights)


def _corners(size: int) -> np.ndarray:
    words = _GENERATORS.get(size, ())
    free = size - len(words)
    basic = np.array(list(itertools.product((-1.0, 1.0), repeat=free)))
    made = [
        np.prod(basic[:, [ord(letter) - ord("A") for letter in word]], axis=1) for word in words
    ]
    return np.column_stack([basic, *made])
