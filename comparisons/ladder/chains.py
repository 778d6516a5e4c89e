"""NUTS until what is asked is known well enough, or a stated limit is reached."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError, SamplingError
from ...approximations.memory import available_memory
from ...approximations.meter import Meter
from ...approximations.nuts import gradients_of, nuts
from ...approximations.other_packages import density_of_own_data
from ...approximations.passed_on import check_known, taken_by
from ...approximations.progress import progress
from ...approximations.result import checked_count
from .new_runs import by_new_runs
from .nutpie_rounds import by_nutpie, compiled_by_nutpie
from .plan import Plan, Round

WhyStopped = Literal["enough", "draws", "time", "interrupted"]

_OF_NUTPIE = ("draws", "tune", "chains", "cores", "target_accept", "nuts", "initvals")
_OWN = ("nuts_sampler", "time_limit")
_GIVEN = {"model", "random_seed", "progressbar"}
_FEWEST_CHAINS = 4
_MOST_DRAWS, _FEWEST_DRAWS = 10_000, 500
# nutpie's own number, and PyMC's, which the careful second attempt takes, too.
_TUNE, _LONG_TUNE = 400, 1000
_TARGETS = (0.8, 0.95)
# Copies of the draws in memory at once.
_COPIES = 4

Lacking = Callable[[xr.DataTree], str | None]
Tell = Callable[..., None]
Rounds = Callable[[Plan, Tell], Generator[Round, None, None]]


@dataclass(frozen=True)
class Chains:
    """What NUTS gave.

    Attributes
    ----------
    tree : DataTree
        As `nuts` gives it. Its attribute ``attempts`` tells, as JSON, of each the target
        acceptance rate, the draws a chain, the divergent draws and why it stopped.
    rounds : int
        How often the draws so far were looked at.
    why_stopped : {"enough", "draws", "time", "interrupted"}
    """

    tree: xr.DataTree
    rounds: int
    why_stopped: WhyStopped


@dataclass(frozen=True)
class _Attempt:
    """One run at one target acceptance rate; with no tree where it ended before the first draw."""

    target_accept: float
    tree: xr.DataTree | None
    rounds: int
    ended: WhyStopped | Literal["divergences"]
    lacks: bool

    @property
    def diverging(self) -> int:
        return 0 if self.tree is None else int(self.tree["sample_stats"]["diverging"].sum())

    @property
    def draws(self) -> int:
        return 0 if self.tree is None else self.tree["posterior"].sizes["draw"]

    @property
    def badness(self) -> tuple[bool, float]:
        """Smaller is better: first what is asked, then the share of divergent draws."""
        return self.lacks, self.diverging / self.draws if self.draws else np.inf

    @property
    def record(self) -> dict[str, Any]:
        counts = {"draws": self.draws, "diverging": self.diverging}
        return {"target_accept": self.target_accept, **counts, "why_stopped": self.ended}


def sampled_to_target(
    density: pm.Model | LogDensity,
    lacking: Lacking,
    *,
    options: Mapping[str, Any] | None = None,
    starts: np.ndarray | None = None,
    rng: np.random.Generator,
    progressbar: bool = True,
) -> Chains:
    """Sample by NUTS in rounds until enough is known of what is asked.

    With nutpie chains are tuned once, and looked at after 200 draws each, 320, 512 and so on; with
    another sampler a round is a new run, of 500 draws, 1000 and so on. A divergent draw ends the
    attempt: there is a second one with ``target_accept=0.95``, and the better is returned.

    Parameters
    ----------
    density : Model or LogDensity
    lacking : callable
        Given the tree so far, a clause that says what it lacks; None when that is nothing.
    options : mapping, optional
        ``draws``: the most a chain, 10,000 by default, or fewer where memory is short. ``tune``:
        400 by default, and 1000 at the second attempt (the latter with samplers other than
        nutpie). ``chains``: at least 4. ``cores``: the most chains at a time; nutpie's go on
        together by default. ``target_accept``: 0.8. ``time_limit``: seconds of sampling, compiling
        excluded with nutpie. ``nuts_sampler``: "nutpie". With nutpie ``initvals`` and ``nuts``,
        with another sampler whatever `nuts` takes.
    starts : (M, P) array, optional
        Points in unconstrained space; the chains start at them in turn, with a jitter of 0.1.
    rng : Generator
        With nutpie it alone decides the draws, unless they are cut short.
    progressbar : bool, default True
        Shown on a terminal only.

    Raises
    ------
    ArgumentError
        When an option is unknown or out of its range, before anything is compiled.
    SamplingError
        When the model cannot be compiled, no chain can start, or there is no draw in time.
    KeyboardInterrupt
        Upon Ctrl-C before the first draw; later the draws so far are returned.
    DataError, DiscreteVariableError, NoFreeVariableError, MissingExtraError
    """
    density = density_of_own_data(density, "nuts")
    options = dict(options or {})
    plan, limit = _planned(density, options, starts), _checked_time(options.get("time_limit"))
    meter = Meter(density)
    plan, rounds = _made_ready(density, plan, options, rng)
    meter.compiled()
    plan = replace(plan, until=time.monotonic() + limit)
    with progress("nuts", plan.draws, show=progressbar) as advance:
        attempts = _attempts(rounds, plan, lacking, "tune" in options, _display(advance))
    best = min(attempts, key=lambda attempt: attempt.badness)
    if best.tree is None:
        if best.ended == "interrupted":
            raise KeyboardInterrupt
        raise SamplingError(
            f"NUTS had no draw after tuning within time_limit={limit:g} seconds; allow more, or "
            f"tune for less than tune={plan.tune}."
        )
    meter.fitted()
    meter.spent(gradient=gradients_of(best.tree))
    best.tree.attrs["attempts"] = json.dumps([attempt.record for attempt in attempts])
    why = attempts[-1].ended
    assert why != "divergences"
    return Chains(meter.written_into(best.tree), sum(a.rounds for a in attempts), why)


def checked_options(density: LogDensity, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check options as `sampled_to_target` does, and return them.

    Raises
    ------
    ArgumentError
        When one is unknown, or out of its range.
    """
    _planned(density, options, None)
    _checked_time(options.get("time_limit"))
    return dict(options)


def _planned(density: LogDensity, options: Mapping[str, Any], starts: np.ndarray | None) -> Plan:
    """Check the options.

    Raises
    ------
    ArgumentError
    """
    sampler = options.get("nuts_sampler", "nutpie")
    of_nutpie = sampler == "nutpie"
    taken = _OF_NUTPIE if of_nutpie else [n for n in taken_by(nuts) if n not in _GIVEN]
    check_known(f"NUTS by {sampler}", options, (*taken, *_OWN))
    chains = checked_count("chains", options.get("chains") or _FEWEST_CHAINS, _FEWEST_CHAINS)
    named = ("draws", "tune", "chains", "cores", "target_accept", *_OWN)
    further = {name: value for name, value in options.items() if name not in named}
    steps = dict(further.pop("nuts", None) or {})
    target = options.get("target_accept", steps.pop("target_accept", _TARGETS[0]))
    if not isinstance(target, int | float) or not 0 < target < 1:
        raise ArgumentError(f"target_accept must be between 0 and 1, but {target!r} was given.")
    if steps:
        further["nuts"] = steps
    if starts is not None and np.shape(starts)[1:] != (density.size,):
        raise ArgumentError(
            f"starts must be an array of points with {density.size} numbers each, but its shape is "
            f"{np.shape(starts)}."
        )
    return Plan(
        draws=checked_count("draws", options.get("draws", _MOST_DRAWS)),
        tune=checked_count("tune", options.get("tune", _TUNE if of_nutpie else _LONG_TUNE)),
        chains=chains,
        cores=checked_count("cores", options.get("cores") or chains),
        target_accept=float(target),
        until=np.inf,
        nuts_sampler=sampler,
        further=further,
        starts=None if starts is None else np.asarray(starts, dtype=float),
    )


def _checked_time(limit: float | None) -> float:
    if limit is None:
        return np.inf
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
        raise ArgumentError(f"time_limit must be a number of seconds, but {limit!r} was given.")
    return float(limit)


def _made_ready(
    density: LogDensity, plan: Plan, options: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Plan, Rounds]:
    """Compile the model, where that is done once, and limit draws by memory."""
    if plan.nuts_sampler != "nutpie":
        return plan, lambda plan, tell: by_new_runs(density, plan, rng, tell)
    compiled = compiled_by_nutpie(density, plan.further.get("initvals"))
    if "draws" not in options:
        bytes_a_draw = 8 * _COPIES * plan.chains * compiled.n_expanded
        fitting = max(_FEWEST_DRAWS, int(available_memory() / 2 / bytes_a_draw))
        plan = replace(plan, draws=min(plan.draws, fitting))
    return plan, lambda plan, tell: by_nutpie(compiled, density, plan, rng, tell)


def _attempts(
    rounds: Rounds, plan: Plan, lacking: Lacking, keep_tune: bool, tell: Tell
) -> list[_Attempt]:
    """Sample, and once more with smaller steps where draws diverged."""
    may_repeat = plan.target_accept < _TARGETS[-1]
    attempts = [_attempt(rounds(plan, tell), plan, lacking, may_repeat, tell)]
    if attempts[0].ended == "divergences":
        tune = plan.tune if keep_tune else _LONG_TUNE
        careful = replace(plan, target_accept=_TARGETS[-1], tune=tune)
        attempts.append(_attempt(rounds(careful, tell), careful, lacking, False, tell))
    return attempts


def _attempt(
    rounds: Generator[Round, None, None],
    plan: Plan,
    lacking: Lacking,
    may_repeat: bool,
    tell: Tell,
) -> _Attempt:
    """Take rounds until there is enough, or no more to be had."""
    done = _Attempt(plan.target_accept, None, 0, "time", True)
    try:
        for found in rounds:
            done = replace(done, tree=found.tree, rounds=done.rounds + 1)
            if found.ended == "interrupted":
                return replace(done, ended="interrupted")
            clause = lacking(found.tree)
            tell(done.draws, clause)
            done = replace(done, lacks=clause is not None)
            if may_repeat and done.diverging and found.ended != "time":
                return replace(done, ended="divergences")
            if clause is None:
                return replace(done, ended="enough")
            if found.ended:
                return replace(done, ended=found.ended)
    except KeyboardInterrupt:
        return replace(done, ended="interrupted")
    finally:
        rounds.close()
    return done


def _display(advance: Callable[..., None]) -> Tell:
    """Tell the draws that each chain has, and what they lack."""
    shown = 0

    def tell(draws: int, clause: str | None = None) -> None:
        nonlocal shown
        advance(draws - shown, f"nuts: {clause}" if clause else None)
        shown = draws

    return tell
