"""Lines of Python that make a tree again, and what a tree tells of its making."""

import json

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import grid, laplace
from tripos.comparisons import Comparison
from tripos.comparisons.report.origin import lines_of_job, lines_of_python, origin
from tripos.models import bioassay


@pytest.fixture(scope="module")
def trees():
    model = bioassay()
    box = {"alpha": (-4.0, 8.0), "beta": (-8.0, 40.0)}
    return {
        'a "quoted" grid': grid(model, 20, bounds=box, points=31, random_seed=3),
        "laplace": laplace(model, draws=30, random_seed=4),
    }


@pytest.mark.filterwarnings("ignore::tripos.approximations.errors.GridEdgeWarning")
def test_the_lines_make_the_same_draws(trees, monkeypatch):
    monkeypatch.setattr(Comparison, "to_html", lambda *_, **__: None)
    names = {"model": bioassay()}
    exec(lines_of_python(trees), names)
    assert names["trees"].keys() == trees.keys()
    for label, tree in trees.items():
        np.testing.assert_array_equal(
            names["trees"][label]["posterior"]["beta"], tree["posterior"]["beta"]
        )


def test_what_cannot_be_an_argument_is_a_comment(trees, normal_tree):
    tree = trees["laplace"].copy()
    tree.attrs["settings"] = json.dumps({"draws": 30, "start": "<an\narray>", "odd": 1})
    lines = lines_of_python({"b\n": tree, "mine": normal_tree()})
    assert (
        '"b\\n": laplace(model, draws=30, random_seed=4),  # and start=<an array>, odd=1' in lines
    )
    assert '# "mine": a tree from elsewhere' in lines
    compile(lines, "lines", "exec")


def test_a_seed_is_a_number_or_nothing(trees):
    tree = trees["laplace"].copy()
    tree.attrs["random_seed"] = "__import__('os')"
    assert "import__" not in lines_of_python({"a": tree})


def test_strangers_have_no_lines(normal_tree):
    assert lines_of_python({"mine": normal_tree()}) == ""


def test_lines_of_a_job_are_python():
    lines = lines_of_job("my file.py:build", ("laplace",), 1, {"laplace": {"draws": 5}})
    assert 'load_model("my file.py:build")' in lines
    assert "compare(model, ['laplace'], random_seed=1, options={'laplace': {'draws': 5}})" in lines
    compile(lines, "lines", "exec")
    assert "bioassay_exercise(random_seed=2)" in lines_of_job("bioassay", None, 2, {})


def test_a_tree_tells_its_making(trees, normal_tree):
    told = origin("laplace", trees["laplace"])
    assert (told.method, told.draws, told.seed) == ("laplace", "1 × 30", "4")
    assert told.settings == ("draws 30, max_iterations 200, start not set, starts not set")
    assert "pymc 6." in told.versions
    assert "30 log densities" in told.evaluations
    stranger = normal_tree()
    stranger.attrs = {"settings": "fast", "versions": 3}
    told = origin("mine", stranger)
    assert (told.settings, told.versions, told.seconds) == ("", "", ("", "", "", ""))


def test_a_start_and_arguments_of_other_packages_are_in_the_lines(normal_tree):
    """Two modes, each reached by its own start: the lines make each of them again."""
    with pm.Model() as model:
        pm.Mixture("x", w=[0.5, 0.5], comp_dists=[pm.Normal.dist(-5, 1), pm.Normal.dist(5, 1)])
    made = {
        "left": laplace(model, 20, start={"x": -5.0}, random_seed=1),
        "right": laplace(model, 20, start=np.array([5.0]), random_seed=1),
        "box": grid(model, 20, bounds={"x": (-11, 11)}, points={"x": 50}, random_seed=1),
    }
    names = {"model": model}
    exec(lines_of_python(made).rpartition("\n")[0], names)
    for label, tree in made.items():
        np.testing.assert_array_equal(
            names["trees"][label]["posterior"]["x"], tree["posterior"]["x"]
        )
    sampled = normal_tree()
    settings = {"draws": 10, "target_accept": 0.9, "init": "jitter+adapt_diag"}
    sampled.attrs |= {"method": "nuts", "settings": json.dumps(settings)}
    assert "nuts(model, draws=10, target_accept=0.9, init='jitter+adapt_diag')," in (
        lines_of_python({"nuts": sampled})
    )
