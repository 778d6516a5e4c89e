"""Variational inference with fixed draws: the ELBO as an ordinary function, and its exact maximum.

Giordano, Ingram and Broderick (2024), "Black box variational inference with a deterministic
objective: faster, more accurate, and even more black box", JMLR 25(18); by pymc-extras.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity
from .errors import ConvergenceError
from .meter import Meter
from .method import registered
from .other_packages import ReadyLinker, default_linker, density_of_own_data, extra, theta_order
from .progress import is_terminal
from .result import Record, checked_count, generator
from .variational.fitted import independent_normal, normal_tree


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient",),
    extra="pymc-extras",
    look=("#AA4499", (1.0, 2.5, 4.0, 2.5), "*"),
)
@checked_arguments
def dadvi(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    random_seed: int | np.random.Generator | None = None,
    fixed_draws: int = 400,
    linker: ReadyLinker = "numpy",
    progressbar: bool = True,
    **kwargs: Any,
) -> xr.DataTree:
    """Approximate a posterior by independent normal distributions, by deterministic optimisation.

    The approximation is that of `advi`, up to the error of the fixed draws: for a normal posterior,
    each mean is off by its sd times the mean of ``fixed_draws`` standard normal numbers.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, default 4000
        Number of independent draws S of the approximation.
    random_seed : int or Generator, optional
    fixed_draws : int, default 400
        Draws that approximate the expectation in the ELBO. A mean's error is about its sd divided
        by the square root of their number.
    linker : {"numpy", "numba"}, default "numpy"
        ``"numpy"`` is ready in a second; ``"numba"`` may pay off for a slow model.
    progressbar : bool, default True
        Shown on a terminal only.
    **kwargs
        Passed on to `pymc_extras.fit_dadvi`: ``optimizer_method``, ``tol``, ...

    Returns
    -------
    DataTree
        As `advi` returns it, without a trace of the ELBO: ``fit`` has ``mean``, ``mean_error``
        (sd over the root of ``fixed_draws``: to first order), ``sd`` (P,), ``elbo`` and
        ``elbo_error`` (from fresh draws), ``fixed_elbo`` (from the fixed ones: it is higher) and
        ``pareto_khat``.

    Raises
    ------
    MissingExtraError
        When pymc-extras is not installed.
    ConvergenceError
        When the optimiser fails, or ends where the ELBO is not a finite number.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    GradientError
        When PyTensor cannot differentiate the log density.
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters.
    DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    draws = checked_count("draws", draws)
    fixed_draws = checked_count("fixed_draws", fixed_draws, least=2)
    rng = generator(random_seed)
    density = density_of_own_data(model, "dadvi")
    density.check_gradient()
    meter = Meter(density)
    found = _maximum(density, fixed_draws, int(rng.integers(2**30)), linker, progressbar, kwargs)
    mean, log_sd = np.split(found["x"].values, 2)
    order = theta_order(density)
    gaussian = independent_normal(mean[order], np.exp(log_sd[order]))
    # pymc-extras' objective leaves out the constant of the normal's entropy.
    constant = 0.5 * density.size * (1 + np.log(2 * np.pi))
    fit = {
        "mean_error": ("parameter", gaussian.sd / np.sqrt(fixed_draws)),
        "fixed_elbo": constant - float(found["fun"]),
    }
    counts = {"value": "nfev", "gradient": "njev", "hessian_vector_product": "nhev"}
    meter.spent(**{name: fixed_draws * int(found.get(of, 0)) for name, of in counts.items()})
    meter.fitted()

    settings = {"draws": draws, "fixed_draws": fixed_draws, "linker": linker, **kwargs}
    record = Record("dadvi", settings, random_seed)
    return meter.written_into(normal_tree(density, gaussian, draws, rng, fit, record))


def _maximum(
    density: LogDensity,
    fixed_draws: int,
    seed: int,
    linker: ReadyLinker,
    progressbar: bool,
    kwargs: dict[str, Any],
) -> xr.Dataset:
    """Let pymc-extras find the maximum, and check that it is one."""
    inference = extra("pymc_extras.inference", "pymc-extras", "dadvi")
    with default_linker(linker), np.errstate(all="ignore"):
        try:
            tree = inference.fit_dadvi(
                density.model,
                n_fixed_draws=fixed_draws,
                n_draws=1,
                random_seed=seed,
                progressbar=progressbar and is_terminal(),
                **kwargs,
            )
        except (KeyError, ValueError, TypeError, RuntimeError, np.linalg.LinAlgError) as error:
            raise ConvergenceError(
                f"pymc_extras.fit_dadvi failed: {type(error).__name__}: {error}. Use advi or "
                "laplace."
            ) from error
    found = tree["optimizer_result"].to_dataset()
    finite = np.isfinite(found["fun"]) and np.all(np.isfinite(found["x"]))
    if not (finite and bool(found["success"])):
        raise ConvergenceError(
            f"The ELBO of the fixed draws has no maximum that the optimiser could reach: "
            f"{str(found['message'].values)!r}, at an ELBO of {-float(found['fun']):.5g}. Try more "
            "fixed_draws, another optimizer_method, or advi."
        )
    return found
