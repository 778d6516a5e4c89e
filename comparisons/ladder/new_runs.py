"""NUTS by a sampler that cannot be paused: each round is a new run of twice the draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from ...approximations.density import LogDensity
from ...approximations.nuts import in_common_form, sampled
from .plan import Ended, Plan, Round, lengths

_FIRST, _FACTOR = 500, 2.0


def by_new_runs(
    density: LogDensity,
    plan: Plan,
    rng: np.random.Generator,
    tell: Callable[[int], None],
) -> Generator[Round, None, None]:
    """Sample anew in each round, tuning included.

    Parameters
    ----------
    density, plan, rng, tell
        As of `by_nutpie`. PyMC's own sampler keeps to the time, and can be interrupted; others are
        not begun again when they would take too long.

    Raises
    ------
    SamplingError, MissingExtraError
    """
    longest = None
    for draws in lengths(_FIRST, _FACTOR, plan.draws):
        began = time.monotonic()
        tree = sampled(density, draws, _options_of_run(density, plan, rng), rng, False)
        now, sizes = time.monotonic(), tree["posterior"].sizes
        ended: Ended = "draws" if draws == plan.draws else ""
        if sizes["draw"] < draws or sizes["chain"] < plan.chains:
            ended = "time" if now >= plan.until else "interrupted"
        elif now + 2 * (now - began) > plan.until:
            ended = "time"
        tree = in_common_form(tree, plan.settings(tree), None)
        if longest is None or tree["posterior"].sizes["draw"] > longest["posterior"].sizes["draw"]:
            longest = tree
        tell(sizes["draw"])
        yield Round(longest, ended)
        if ended:
            return


def _options_of_run(density: LogDensity, plan: Plan, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of `pymc.sample`."""
    options = {"quiet": True, "compute_convergence_checks": False, **plan.further}
    options |= {"tune": plan.tune, "chains": plan.chains, "nuts_sampler": plan.nuts_sampler}
    options |= {"cores": plan.cores, "target_accept": plan.target_accept}
    if plan.nuts_sampler == "pymc":
        options.setdefault("callback", _stopping(plan.until))
    if plan.starts is not None:
        thetas = np.stack([plan.start(k, rng) for k in range(plan.chains)])
        names = [rv.name for rv in density.model.free_RVs]
        values = density.unravel(thetas, names)
        options["initvals"] = [{n: values[n][k] for n in names} for k in range(plan.chains)]
        if plan.nuts_sampler == "pymc":
            options.setdefault("init", "adapt_diag")  # or PyMC would jitter them by up to 1
        else:
            options["nuts"] = {"jitter": False, **options.get("nuts", {})}
    return options


def _stopping(until: float) -> Callable[..., None]:
    """Stop PyMC's own sampler as Ctrl-C does, in time."""

    def stop(**_: Any) -> None:
        if time.monotonic() > until:
            raise KeyboardInterrupt

    return stop
