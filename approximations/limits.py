"""Limits from which on a method's own diagnostics say that its numbers cannot be trusted."""

TRUSTED_K_HAT = 0.7
"""Pareto k-hat from which on weights cannot be trusted (Vehtari et al. 2024, arXiv 1507.02646)."""

HEAVY_TAIL = 0.7
"""Tail index above which a mean may not exist, or settles down too late (ibid., section 3)."""

HEAVY_SQUARE = 0.45
"""Tail index from which on a rule does not reach the variance: at 0.5 there is none."""

FEWEST_SMOOTHED = 100
"""Draws whose weights have a tail that can be fitted, so that they have a k-hat."""

FEWEST_WEIGHTED = 200
"""Independent draws that weighted or independent draws must be worth."""

MOST_R_HAT = 1.01
"""Of chains (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, arXiv 1903.08008)."""

FEWEST_EFFECTIVE = 400
"""Independent draws that chains must be worth, below which R-hat itself is noise (ibid.)."""

LEAST_BFMI = 0.3
"""Below it, chains do not explore the energy (Betancourt 2016, arXiv 1604.00695)."""

MOST_EDGE_MASS = 1e-5
"""Mass at an edge of a grid's box beyond which its numbers are visibly those of the box."""

MOST_CELL_ERROR = 0.02
"""Error of a grid's log evidence beyond which its cells are visibly too wide."""

LEAST_SHARE = 0.1
"""Of few draws, or of a quadrature's points: what weights leave where the posterior was met."""

MOST_UNSEEN_MASS = 0.05
"""Mass where no draw fell, over that which was met: weights that can be trusted leave some."""
