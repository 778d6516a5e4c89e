"""NUTS by nutpie in rounds: its chains are tuned once, and paused while the draws are looked at."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError, SamplingError
from ...approximations.nuts import in_common_form
from ...approximations.other_packages import theta_order
from ...approximations.result import data_groups
from .plan import Ended, Plan, Round, lengths

_FIRST, _FACTOR = 200, 1.6
# Seconds between looks at the chains: some draws too many cost less than more looks.
_EVERY = 0.02


@dataclass(frozen=True)
class _Chain:
    """A chain of nutpie's, in a thread of its own, which counts ``drawn``, tuning included."""

    sampler: Any
    drawn: dict[str, int]

    def has(self, draws: int) -> bool:
        """Whether it has its draws, or all that it was begun for; raises what has broken it."""
        try:
            return self.drawn["all"] >= draws or self.sampler.is_finished
        except TimeoutError:  # so nutpie says no
            return False


def compiled_by_nutpie(density: LogDensity, initvals: Mapping[str, Any] | None) -> Any:
    """Compile a model for any number of `by_nutpie`.

    Raises
    ------
    SamplingError
    """
    import nutpie  # when used, as it takes long to import

    try:
        return nutpie.compile_pymc_model(density.model, initial_points=initvals)
    except Warning:
        raise  # of a user who asked for warnings as errors
    except Exception as error:
        # Compilers may raise any exception.
        raise SamplingError(
            f"nutpie cannot compile the model: {type(error).__name__}: {error}"
        ) from error


def by_nutpie(
    compiled: Any,
    density: LogDensity,
    plan: Plan,
    rng: np.random.Generator,
    tell: Callable[[int], None],
) -> Generator[Round, None, None]:
    """Sample by nutpie; between rounds the chains are paused.

    Each chain is a sampler of its own, so that a fast one waits for the slow ones, and starts where
    it should. A round's draws depend on the seed alone, unless it was cut short.

    Parameters
    ----------
    compiled : CompiledModel
    density : LogDensity
    plan : Plan
    rng : Generator
    tell : callable
        Called with the number of draws that all chains have.

    Raises
    ------
    ArgumentError
        When nutpie does not take an option.
    SamplingError
        When a chain cannot start.
    KeyboardInterrupt
        When there is no draw yet; otherwise the draws so far are the last round.
    """
    seeds = rng.integers(2**30, size=plan.chains)
    chains: list[_Chain] = []

    def begin() -> _Chain:
        started = _started(compiled, density, plan, len(chains))
        chains.append(_begun(started, plan, int(seeds[len(chains)])))
        return chains[-1]

    began = time.monotonic()
    try:
        with threadpool_limits(limits=1):
            for draws in lengths(_FIRST, _FACTOR, plan.draws):
                cut = _advance(chains, begin, draws, plan, tell)
                drawn = [chain.drawn["all"] - plan.tune for chain in chains]
                if len(chains) < plan.chains or (cut and min(drawn) < 1):
                    if cut == "interrupted":
                        raise KeyboardInterrupt
                    return
                tree = _tree_of(chains, draws, density, plan, time.monotonic() - began)
                yield Round(tree, cut or ("draws" if draws == plan.draws else ""))
                if cut:
                    return
    except RuntimeError as error:
        reason = str(error).partition("\n\nStack")[0]
        raise SamplingError(f"nutpie failed: {reason}") from error
    finally:
        for chain in chains:
            chain.sampler.cancel()


def _started(compiled: Any, density: LogDensity, plan: Plan, chain: int) -> Any:
    """Give a compiled model the start of a chain."""
    if plan.starts is None:
        return compiled
    order = theta_order(density)

    def start(seed: int) -> np.ndarray:
        flat = np.empty(len(order))
        flat[order] = plan.start(chain, np.random.default_rng(seed))
        return flat

    return replace(compiled, initial_point_func=start)


def _begun(compiled: Any, plan: Plan, seed: int) -> _Chain:
    import nutpie

    drawn = {"all": 0}
    options = dict(plan.further.get("nuts", {}))
    if "max_treedepth" in options:  # as PyMC calls it
        options["maxdepth"] = options.pop("max_treedepth")
    try:
        sampler = nutpie.sample(
            compiled,
            draws=plan.draws,
            tune=plan.tune,
            chains=1,
            cores=1,
            seed=seed,
            target_accept=plan.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=lambda chains: drawn.update(all=chains[0].finished_draws),
            progress_rate=round(1000 * _EVERY),
            blocking=False,
            **options,
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ArgumentError(f"nutpie does not take nuts={options}: {error}.") from error
    return _Chain(sampler, drawn)


def _advance(
    chains: list[_Chain],
    begin: Callable[[], _Chain],
    draws: int,
    plan: Plan,
    tell: Callable[[int], None],
) -> Ended:
    """Run all chains until each has its draws, so many at a time, and pause them."""
    waiting = deque(range(plan.chains))
    active: list[_Chain] = []
    try:
        while waiting or active:
            while waiting and len(active) < plan.cores:
                place = waiting.popleft()
                if place == len(chains):
                    begin()
                else:
                    chains[place].sampler.resume()
                active.append(chains[place])
            time.sleep(_EVERY)
            for chain in [chain for chain in active if chain.has(plan.tune + draws)]:
                chain.sampler.pause()
                active.remove(chain)
            drawn = min(chain.drawn["all"] for chain in chains) - plan.tune
            tell(min(draws, max(0, drawn)))
            if time.monotonic() > plan.until and (waiting or active):
                return "time"
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        for chain in active:
            chain.sampler.pause()
    return ""


def _tree_of(
    chains: list[_Chain], draws: int, density: LogDensity, plan: Plan, seconds: float
) -> xr.DataTree:
    """Put the draws that all chains have into the form of `nuts`."""
    parts = [chain.sampler.inspect() for chain in chains]
    common = min(draws, *(part["posterior"].sizes["draw"] for part in parts))
    groups = {}
    for group in ("posterior", "sample_stats"):
        cut = [part[group].to_dataset().isel(draw=slice(common)) for part in parts]
        numbered = [part.assign_coords(chain=[k]) for k, part in enumerate(cut)]
        groups[group] = xr.concat(
            numbered,
            "chain",
            data_vars="all",
            coords="minimal",
            compat="override",
            join="override",
            combine_attrs="override",
        )
    library = ("inference_library", "inference_library_version")
    groups["posterior"].attrs |= {name: groups["sample_stats"].attrs[name] for name in library}
    groups["posterior"].attrs |= {"sampling_time": seconds, "tuning_steps": plan.tune}
    tree = xr.DataTree.from_dict(groups | data_groups(density))
    return in_common_form(tree, plan.settings(tree), None)
