"""Maximise PyMC's stochastic ELBO: steps in sds of the approximation, at decreasing rates.

Constant rates, judged and averaged once the iterates are stationary, after Dhaka, Catalina,
Andersen, Magnusson, Huggins and Vehtari (2020), "Robust, accurate stochastic optimization for
variational inference", NeurIPS 33, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor
from pymc.pytensorf import compile as pymc_compile
from pymc.variational.inference import KLqp
from pytensor.compile.sharedvalue import SharedVariable

from .. import array_stats
from ..errors import ConvergenceError
from ..other_packages import python_mode

# Factors on the learning rate by stage: first find the region, then converge.
_FACTORS = (1.0, 0.2)
BLOCK = 250
"""Iterations whose ELBOs are averaged."""

_BLOCKS_COMPARED = 4
_NO_RISE = 0.01  # of the ELBO, in nats
_MOST_R_HAT, _FEWEST_EFFECTIVE = 1.1, 20
_FEWEST_TOLD, _FEWEST_KEPT, _MOST_KEPT = 20, 100, 1000
_STRIDE = 10


@dataclass(frozen=True)
class Ascent:
    """The approximation found, and the history of the ELBO in B blocks of iterations.

    Attributes
    ----------
    mean, mean_error : (P,) array
        Mean of the approximation, averaged over the last iterations, and its standard error.
    covariance : (P, P) array or None
        None where the approximation has no correlations.
    sd : (P,) array
    elbo, elbo_error : (B,) array
        Mean of a block's draws of the ELBO, and its standard error.
    """

    mean: np.ndarray
    mean_error: np.ndarray
    covariance: np.ndarray | None
    sd: np.ndarray
    elbo: np.ndarray
    elbo_error: np.ndarray


class Iterates:
    """A thinned record of iterates, thinned further in a long run, so that memory is bounded."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []
        self._stride, self.seen = _STRIDE, 0

    def see(self, read: Callable[[], np.ndarray]) -> None:
        """Record that another iteration is done."""
        self.seen += 1
        if self.seen % self._stride:
            return
        self._rows.append(read())
        if len(self._rows) == _MOST_KEPT:
            self._rows = self._rows[1::2]
            self._stride *= 2

    def latter_half(self) -> np.ndarray:
        """Return the second half (n, D) of the record."""
        return np.array(self._rows[len(self._rows) // 2 :])


class NormalFit:
    """A normal approximation, and the compiled step that improves it.

    Parameters
    ----------
    inference : KLqp
        `pymc.ADVI` or `pymc.FullRankADVI` of a model.
    theta : (P,) array
        Initial mean, in the order of PyMC's own parameters.
    """

    def __init__(self, inference: KLqp, theta: np.ndarray) -> None:
        group = inference.approx.groups[0]
        self._params: list[SharedVariable] = list(group.params)
        self._full_rank = "L_tril" in group.params_dict
        group.params_dict["mu"].set_value(theta)
        self._mu = self._params.index(group.params_dict["mu"])
        self.rate = pytensor.shared(0.0, "rate")
        self._moments: list[SharedVariable] = []
        self._scales = [pytensor.shared(np.ones_like(p.get_value())) for p in self._params]
        mode = python_mode()
        spread = group.cov if self._full_rank else group.std
        self._spread = pymc_compile([], spread, mode=mode)
        self.step = inference.objective.step_function(
            score=True, obj_optimizer=self._optimizer, compile_kwargs={"mode": mode}
        )

    def _optimizer(self, gradients: list, params: list) -> dict:
        """Adam, whose steps are multiplied by each parameter's scale."""
        updates = pm.adam(gradients, params, learning_rate=self.rate)
        self._moments = [state for state in updates if state not in params]
        for param, scale in zip(params, self._scales, strict=True):
            updates[param] = param + scale * (updates[param] - param)
        return updates

    def forget(self) -> None:
        """Reset Adam's averages of gradients, whose size differs far from the optimum."""
        for moment in self._moments:
            moment.set_value(np.zeros_like(moment.get_value()))

    def read(self) -> np.ndarray:
        """The variational parameters (D,)."""
        return np.concatenate([param.get_value() for param in self._params])

    def place(self, values: np.ndarray) -> None:
        """Set the variational parameters (D,)."""
        ends = np.cumsum([param.get_value(borrow=True).size for param in self._params])
        for param, part in zip(self._params, np.split(values, ends[:-1]), strict=True):
            param.set_value(part)

    def means_of(self, rows: np.ndarray) -> np.ndarray:
        """The columns (n, P) of variational parameters (n, D) that are means."""
        sizes = [param.get_value(borrow=True).size for param in self._params]
        start = sum(sizes[: self._mu])
        return rows[:, start : start + sizes[self._mu]]

    def covariance(self) -> np.ndarray | None:
        """Covariance (P, P), or None without correlation."""
        return self._spread() if self._full_rank else None

    def sd(self) -> np.ndarray:
        """Standard deviations (P,)."""
        spread = self._spread()
        return np.sqrt(np.diag(spread)) if self._full_rank else spread

    def rescale(self) -> None:
        """Scale the steps by the approximation's sd in each parameter."""
        sd = self.sd()
        for k, param in enumerate(self._params):
            value = param.get_value()
            if k == self._mu:
                scale = sd
            elif self._full_rank:
                rows, columns = np.tril_indices(len(sd))
                scale = np.where(rows == columns, _log_step(value), sd[rows])
            else:
                scale = _log_step(value)
            self._scales[k].set_value(scale)


def maximise_elbo(
    fit: NormalFit,
    *,
    learning_rate: float,
    tolerance: float,
    iterations: int,
    labels: tuple[str, ...],
    progress: Callable[[int], None],
) -> Ascent:
    """Improve an approximation until its iterates are stationary, and average them.

    Parameters
    ----------
    fit : NormalFit
    learning_rate : float
        Length of the first steps, in sds of the approximation.
    tolerance : float
        Largest standard error of a mean, in sds of the approximation.
    iterations : int
        Largest number of iterations.
    labels : tuple of str
        Names of the parameters.
    progress : callable
        Called with the number of iterations done.

    Raises
    ------
    ConvergenceError
        When an ELBO is not a finite number, or the iterations do not suffice.
    """
    blocks: list[np.ndarray] = []
    for stage, factor in enumerate(_FACTORS):
        fit.rate.set_value(learning_rate * factor)
        last = stage == len(_FACTORS) - 1
        first, iterates = len(blocks), Iterates()
        while True:
            if len(blocks) * BLOCK >= iterations:
                raise _not_settled(blocks, fit, iterates, labels)
            fit.rescale()
            if not last or not iterates.seen:
                fit.forget()
            blocks.append(_block(fit, iterates, len(blocks) * BLOCK))
            progress(BLOCK)
            if last and _is_settled(fit, iterates, tolerance):
                return _averaged(fit, iterates, blocks)
            if not last and not _rises(blocks[first:]):
                break
    raise AssertionError("the last stage returns or raises")


def _block(fit: NormalFit, iterates: Iterates, before: int) -> np.ndarray:
    """Take a block of steps, and return their draws (BLOCK,) of the ELBO."""
    elbos = np.empty(BLOCK)
    with np.errstate(all="ignore"):  # what is not finite is an error below
        for k in range(BLOCK):
            elbos[k] = -fit.step()
            if not np.isfinite(elbos[k]):
                raise ConvergenceError(
                    f"The ELBO is {elbos[k]} at iteration {before + k + 1}, so the approximation "
                    "cannot be improved. Start nearer to the posterior (start=), lower "
                    "learning_rate, or give narrower priors."
                )
            iterates.see(fit.read)
    return elbos


def _rises(blocks: list[np.ndarray]) -> bool:
    """Whether the ELBO still rises by more than its noise; True if unknown."""
    if len(blocks) < _BLOCKS_COMPARED:
        return True
    half = _BLOCKS_COMPARED // 2
    early, late = np.ravel(blocks[-2 * half : -half]), np.ravel(blocks[-half:])
    noise = np.sqrt(early.var() / early.size + late.var() / late.size)
    return bool(late.mean() - early.mean() > max(2 * noise, _NO_RISE))


def _is_settled(fit: NormalFit, iterates: Iterates, tolerance: float) -> bool:
    rows = iterates.latter_half()
    if len(rows) < _FEWEST_KEPT or np.max(_r_hat(rows)) > _MOST_R_HAT:
        return False
    means = fit.means_of(rows)
    # With fewer, the standard errors themselves are unreliable.
    if np.min(array_stats.ess(means[None], chain_axis=0, draw_axis=1)) < _FEWEST_EFFECTIVE:
        return False
    return bool(np.max(_errors(means) / fit.sd()) <= tolerance)


def _averaged(fit: NormalFit, iterates: Iterates, blocks: list[np.ndarray]) -> Ascent:
    rows = iterates.latter_half()
    fit.place(rows.mean(axis=0))
    draws = np.array(blocks)
    return Ascent(
        mean=fit.means_of(rows).mean(axis=0),
        mean_error=_errors(fit.means_of(rows)),
        covariance=fit.covariance(),
        sd=fit.sd(),
        elbo=draws.mean(axis=1),
        elbo_error=draws.std(axis=1) / np.sqrt(BLOCK),
    )


def _not_settled(
    blocks: list[np.ndarray], fit: NormalFit, iterates: Iterates, labels: tuple[str, ...]
) -> ConvergenceError:
    last = blocks[-1]
    sentence = (
        f"The approximation had not settled after {len(blocks) * BLOCK:,} iterations: the ELBO was "
        f"{last.mean():.5g} (standard error {last.std() / np.sqrt(BLOCK):.2g}) in the last {BLOCK}"
    )
    rows = iterates.latter_half()
    if len(rows) >= _FEWEST_TOLD:
        errors = _errors(fit.means_of(rows)) / fit.sd()
        worst = int(np.argmax(errors))
        sentence += (
            f", the mean of {labels[worst]} is known to {errors[worst]:.2g} sd, and R-hat of the "
            f"iterates is {np.max(_r_hat(rows)):.2f}"
        )
    return ConvergenceError(
        f"{sentence}. Raise iterations or tolerance, start nearer to the posterior (start=), or "
        "use laplace or nuts."
    )


def _r_hat(rows: np.ndarray) -> np.ndarray:
    """Split R-hat (D,) of those columns of the iterates (n, D) that vary."""
    varying = rows[:, np.ptp(rows, axis=0) > 0]
    if not varying.size:
        return np.ones(1)
    return array_stats.rhat(varying[None], chain_axis=0, draw_axis=1, method="split")


def _errors(rows: np.ndarray) -> np.ndarray:
    """Standard errors (P,) of the averages of autocorrelated iterates (n, P)."""
    return array_stats.mcse(rows[None], chain_axis=0, draw_axis=1)


def _log_step(value: np.ndarray) -> np.ndarray:
    """Scale of the parameter of a softplus that changes the softplus by its own size."""
    return np.logaddexp(0.0, value) * (1.0 + np.exp(-value))
