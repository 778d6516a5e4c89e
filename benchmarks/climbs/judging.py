"""Whether a tree's quantities are within tolerance of the truth."""

from __future__ import annotations

import numpy as np
import xarray as xr
from posteriors.errors import TOLERANCES
from posteriors.truth import Known, Truth

from tripos.comparisons.monte_carlo import Sample, samples_of_posterior

# An error counts when it exceeds its tolerance by this many standard errors, of truth and draws.
CERTAIN = 3.0
_ENDS = (0.025, 0.25, 0.75, 0.975)
_NAMES = ("mean (sds)", "log sd", "mass of 50 %", "mass of 95 %")


def outside(tree: xr.DataTree, truth: Truth) -> list[str]:
    """A sentence for each quantity of the truth that is out of tolerance, or not there."""
    samples, sentences = samples_of_posterior(tree), []
    for label, known in truth.quantities.items():
        if label not in samples:
            sentences.append(f"{label} is not in the tree")
            continue
        errors, standard = errors_of(samples[label], known)
        too_far = np.abs(errors) > TOLERANCES + CERTAIN * standard
        sentences += [
            f"{label}: {name} off by {error:+.3f} (standard error {se:.3f}, tolerance {limit:.3f})"
            for name, error, se, limit, is_far in zip(
                _NAMES, errors, standard, TOLERANCES, too_far, strict=True
            )
            if is_far
        ]
    return sentences


def errors_of(sample: Sample, known: Known) -> tuple[np.ndarray, np.ndarray]:
    """Errors (4,) of one quantity, and their standard errors (4,).

    Of the mean in true sds, the log of the sd, and the true mass of the central 50 % and 95 %
    intervals less what it should be. NaN where the moments do not exist.
    """
    errors, standard = np.full(4, np.nan), np.full(4, np.nan)
    if known.has_mean:
        mean, sd, of_mean, of_sd = sample.moments
        errors[:2] = (mean - known.mean) / known.sd, np.log(sd / known.sd)
        standard[0] = np.hypot(of_mean, known.mcse_mean) / known.sd
        standard[1] = np.hypot(of_sd / sd, known.mcse_sd / known.sd)
    low95, low50, high50, high95 = sample.quantiles(_ENDS)
    for place, low, high, nominal in ((2, low50, high50, 0.5), (3, low95, high95, 0.95)):
        mass = known.mass(low, high)
        inside = ((sample.values >= low) & (sample.values <= high)).astype(float)
        errors[place] = mass - nominal
        standard[place] = np.hypot(sample.error(inside), known.mcse_probability(mass))
    return errors, standard
