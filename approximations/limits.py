"""Limits of a method's own diagnostics, beyond which its results cannot be trusted."""

TRUSTED_K_HAT = 0.7
"""Pareto k-hat from which weights are not trusted (Vehtari et al. 2024, arXiv 1507.02646)."""

HEAVY_TAIL = 0.7
"""Tail index above which a mean may not exist, or converges too slowly (ibid., section 3)."""

HEAVY_TERMS = 0.5
"""Tail index of weighted terms from which their variance, and so a mean's error, is infinite."""

HEAVY_SQUARE = 0.45
"""Tail index above which a rule cannot estimate the variance: at 0.5 there is none."""

FEWEST_SMOOTHED = 100
"""Fewest draws from which k-hat can be estimated."""

FEWEST_WEIGHTED = 200
"""Least effective sample size of weighted or independent draws."""

MOST_R_HAT = 1.01
"""R-hat of chains (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, arXiv 1903.08008)."""

FEWEST_EFFECTIVE = 400
"""Least effective sample size of chains, below which R-hat itself is noise (ibid.)."""

LEAST_BFMI = 0.3
"""Least BFMI: below, chains do not explore the energy (Betancourt 2016, arXiv 1604.00695)."""

MOST_EDGE_MASS = 1e-5
"""Largest mass at an edge of a grid's box: above, the box distorts the results."""

MOST_CELL_ERROR = 0.02
"""Largest error of a grid's log evidence: above, its cells are too wide."""

LEAST_SHARE = 0.1
"""Least effective share, after weighting, of few draws or of a quadrature's points."""

MOST_UNSEEN_MASS = 0.05
"""Largest mass where no draw fell, relative to the mass that was sampled."""

MOST_UNSEEN_TAIL = 0.01
"""Largest mass in the tail of an outer parameter that the draws of a nested approximation lack."""
