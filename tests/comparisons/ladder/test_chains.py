"""NUTS to the point: when it stops, what it gives then, and where chains start."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytensor
import pytest
from pytensor.compile.mode import Mode

from tripos.approximations import LogDensity, nuts
from tripos.approximations.errors import ArgumentError, SamplingError
from tripos.approximations.trust import chain_signs
from tripos.comparisons.ladder import chains, new_runs, nutpie_rounds
from tripos.comparisons.ladder.chains import sampled_to_target


@pytest.fixture(scope="module")
def two_modes():
    """Two standard normals, and a variable with modes at ±30 that no chain leaves."""
    with pm.Model(coords={"side": ["left", "right"]}) as model:
        pm.Normal("y", dims="side")
        x = pm.Flat("x")
        pm.Potential("modes", pm.math.logaddexp(-((x - 30) ** 2) / 2, -((x + 30) ** 2) / 2))
    return LogDensity(model, linker="numpy")


@pytest.fixture(scope="module")
def sample(two_modes):
    """Call `sampled_to_target`, with nutpie's model compiled once."""
    compiled = chains.compiled_by_nutpie(two_modes, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "compiled_by_nutpie", lambda *_: compiled)

        def sampled(lacking, starts=None, seed=1, **options):
            rng = np.random.default_rng(seed)
            return sampled_to_target(two_modes, lacking, options=options, starts=starts, rng=rng)

        yield sampled


def lacking_of_y(tree):
    limits = {"R-hat", "bulk ESS", "tail ESS"}
    broken = chain_signs(tree, ["y[left]", "y[right]"]).broken
    return next((b.what for b in broken if b.what in limits), None)


def lacking_always(tree):
    return "more"


@pytest.fixture(scope="module")
def enough(sample):
    return sample(lacking_of_y)


def test_it_stops_when_nothing_is_lacking(enough):
    assert enough.why_stopped == "enough"
    assert lacking_of_y(enough.tree) is None
    assert enough.tree["posterior"].sizes["chain"] == 4
    assert enough.tree["posterior"].sizes["draw"] < 1000
    assert enough.rounds < 5


def test_the_seed_alone_decides(sample, enough):
    """However fast the chains are, and so many at a time."""
    again = sample(lacking_of_y, cores=1)
    assert again.tree["posterior"].equals(enough.tree["posterior"])
    other = sample(lacking_of_y, seed=2)
    assert not other.tree["posterior"].equals(enough.tree["posterior"])


def test_the_tree_has_the_form_of_nuts(two_modes, enough):
    usual = nuts(two_modes, draws=20, tune=20, chains=2, random_seed=1, progressbar=False)
    for group in ("posterior", "sample_stats"):
        ours, theirs = enough.tree[group].to_dataset(), usual[group].to_dataset()
        assert {n: (v.dims, v.dtype) for n, v in ours.data_vars.items()} == {
            n: (v.dims, v.dtype) for n, v in theirs.data_vars.items()
        }
        assert set(ours.attrs) == set(theirs.attrs)
    assert set(enough.tree.attrs) == set(usual.attrs) | {"attempts"}
    ours, theirs = (json.loads(tree.attrs["settings"]) for tree in (enough.tree, usual))
    assert set(ours) == set(theirs) | {"target_accept"}
    assert ours["draws"] == enough.tree["posterior"].sizes["draw"]
    steps = int(enough.tree["sample_stats"]["n_steps"].sum())
    assert enough.tree.attrs["evaluations_gradient"] == steps


def test_the_most_draws(sample):
    few = sample(lacking_always, draws=230, chains=5)
    assert (few.why_stopped, few.rounds) == ("draws", 2)
    assert dict(few.tree["posterior"].sizes) == {"chain": 5, "draw": 230, "side": 2}


def test_chains_start_at_the_points_in_turn(sample):
    """Each stays at its mode, in the order of the flat vector of unconstrained space."""
    starts = np.array([[0.0, 0.0, 30.0], [0.0, 0.0, -30.0], [0.0, 0.0, 30.0]])
    found = sample(lacking_always, starts=starts, draws=50, chains=5)
    assert list(np.sign(found.tree["posterior"]["x"].mean("draw"))) == [1, -1, 1, 1, -1]
    with pytest.raises(ArgumentError, match=r"points with 3 numbers each, but its shape is \(3,\)"):
        sample(lacking_always, starts=starts[0])


def test_divergent_draws_ask_for_smaller_steps(sample):
    """An energy error of 0.3 counts as divergent here, of which smaller steps make fewer."""
    found = sample(lacking_of_y, draws=400, nuts={"max_energy_error": 0.3})
    first, second = json.loads(found.tree.attrs["attempts"])
    assert (first["target_accept"], first["draws"], first["why_stopped"]) == (
        0.8,
        200,
        "divergences",
    )
    assert second["target_accept"] == 0.95
    assert second["diverging"] / second["draws"] < first["diverging"] / first["draws"]
    assert json.loads(found.tree.attrs["settings"])["target_accept"] == 0.95
    careful = sample(lacking_of_y, draws=100, nuts={"max_energy_error": 0.3}, target_accept=0.97)
    assert len(json.loads(careful.tree.attrs["attempts"])) == 1


def test_ctrl_c_returns_the_draws_so_far(sample):
    def interrupted_later(tree):
        if tree["posterior"].sizes["draw"] == 320:
            raise KeyboardInterrupt
        return "more"

    found = sample(interrupted_later, draws=1000)
    assert found.why_stopped == "interrupted"
    assert found.tree["posterior"].sizes["draw"] == 320
    assert np.all(np.isfinite(found.tree["posterior"]["y"]))


def test_ctrl_c_before_the_first_draw(sample, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=interrupt, monotonic=time.monotonic)
    monkeypatch.setattr(nutpie_rounds, "time", clock)
    with pytest.raises(KeyboardInterrupt):
        sample(lacking_always, tune=100_000)


def test_time(sample):
    found = sample(lacking_always, draws=1_000_000, time_limit=0.5)
    assert found.why_stopped == "time"
    assert found.tree["posterior"].sizes["draw"] >= 1
    with pytest.raises(SamplingError, match=r"no draw after tuning within time_limit=0\.1 seconds"):
        sample(lacking_always, tune=1_000_000, time_limit=0.1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target_acept": 0.9}, "no argument 'target_acept'. Did you mean target_accept"),
        ({"init": "adapt_diag"}, "NUTS by nutpie takes no argument 'init'"),
        ({"nuts_sampler": "pymc", "timelimit": 3}, "Did you mean time_limit"),
        ({"chains": 2}, "chains must be a whole number of at least 4, but 2"),
        ({"target_accept": 1.2}, r"target_accept must be between 0 and 1, but 1\.2"),
        ({"time_limit": 0}, "time_limit must be a number of seconds, but 0"),
    ],
)
def test_options_are_checked_before_anything_is_compiled(two_modes, monkeypatch, options, sentence):
    monkeypatch.setattr(chains, "compiled_by_nutpie", None)
    rng = np.random.default_rng(1)
    with pytest.raises(ArgumentError, match=sentence):
        sampled_to_target(two_modes, lacking_always, options=options, rng=rng)


def test_an_option_that_nutpie_refuses(sample):
    with pytest.raises(ArgumentError, match=r"nutpie does not take nuts=\{'maxdpth': 3\}"):
        sample(lacking_always, nuts={"maxdpth": 3})


def test_a_chain_that_cannot_start(sample):
    with pytest.raises(SamplingError, match="nutpie failed: All initialization points failed"):
        sample(lacking_always, starts=np.full((1, 3), np.nan))


def test_another_sampler_runs_anew(two_modes, monkeypatch):
    """PyMC's own, and with it the starts."""
    monkeypatch.setattr(new_runs, "_FIRST", 10)
    quick = {"compile_kwargs": {"mode": Mode(linker="py", optimizer="fast_compile")}}
    options = {"nuts_sampler": "pymc", "tune": 20, "draws": 15, "cores": 1, **quick}
    with pytensor.config.change_flags(mode="FAST_COMPILE", cxx=""):
        found = sampled_to_target(
            two_modes,
            lacking_always,
            options=options,
            starts=np.array([[0.0, 0.0, 30.0], [0.0, 0.0, -30.0]]),
            rng=np.random.default_rng(1),
        )
    assert (found.why_stopped, found.rounds) == ("draws", 2)
    assert found.tree["posterior"].sizes["draw"] == 15
    assert list(np.sign(found.tree["posterior"]["x"].mean("draw"))) == [1, -1, 1, -1]
