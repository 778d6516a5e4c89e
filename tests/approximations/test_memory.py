"""What would not fit is refused before it is made."""

import resource
from pathlib import Path

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, importance, laplace, memory
from tripos.approximations.errors import MemoryLimitError, TriposError
from tripos.approximations.laplace import draws_that_fit
from tripos.approximations.memory import available_memory, check_memory
from tripos.comparisons import verdict


def test_more_than_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    check_memory("An array", 2**26, "Ask for less.")
    sentence = r"^An array needs 512 MiB .* half of the 1 GiB that are free. Ask for less.$"
    with pytest.raises(MemoryLimitError, match=sentence) as raised:
        check_memory("An array", 2**26 + 1, "Ask for less.")
    assert isinstance(raised.value, TriposError)


def test_what_any_machine_has_is_not_asked_for(monkeypatch):
    def must_not_be_called():
        raise AssertionError

    monkeypatch.setattr(memory, "available_memory", must_not_be_called)
    check_memory("An array", 2**22, "Ask for less.")


TWO, ONE = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")


@pytest.mark.parametrize(
    ("line", "folder", "files", "is_limited"),
    [
        ("0::/box", "box", TWO, True),
        ("0::/box/part", "box", TWO, True),
        ("5:cpu,memory:/box", "memory/box", ONE, True),
        ("0::/other", "box", TWO, False),
        ("3:cpu:/box", "box", TWO, False),
    ],
)
def test_a_container_may_have_less(monkeypatch, tmp_path, line, folder, files, is_limited):
    """1,000 bytes of which 400 are taken, 100 of these by copies of files."""
    (tmp_path / "own").write_text(f"{line}\n")
    (tmp_path / folder).mkdir(parents=True)
    contents = ("1000", "400", "anon 300\ninactive_file 100")
    for name, content in zip((*files, "memory.stat"), contents, strict=True):
        (tmp_path / folder / name).write_text(content)
    monkeypatch.setattr(memory, "_GROUPS_OF_PROCESS", tmp_path / "own")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    assert (available_memory() == 700) is is_limited


def test_a_group_without_a_limit(monkeypatch, tmp_path):
    (tmp_path / "own").write_text("0::/\n")
    for name, content in {"memory.max": "max", "memory.current": "4", "memory.stat": ""}.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "_GROUPS_OF_PROCESS", tmp_path / "own")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    assert available_memory() > 2**27


def test_a_limit_of_addresses(monkeypatch):
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (used + 2**26, used + 2**26))
    assert 0 <= available_memory() <= 2**26 + 2**25


def test_this_machine_has_memory_to_spare():
    assert 2**27 < available_memory() < 2**50


# A number a datum in every draw.


@pytest.fixture(scope="module")
def predictor():
    """Three parameters, and 20,000 entries of a deterministic."""
    x = np.random.default_rng(5).normal(size=20_000)
    with pm.Model() as model:
        a, b, s = pm.Normal("a", 0, 10), pm.Normal("b", 0, 10), pm.HalfNormal("s", 1)
        mu = pm.Deterministic("mu", a + b * x)
        pm.Normal("y", mu, s, observed=1 + 2 * x + np.sin(x))
    return LogDensity(model)


def test_draws_are_counted_with_their_deterministics(predictor, monkeypatch):
    assert predictor.entries_of_a_draw == 3 + 3 + 20_000
    assert draws_that_fit(None, predictor) == 20_000_000 // 20_006
    tree = laplace(predictor, 50, random_seed=1)
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    with pytest.raises(MemoryLimitError, match=r"4,000 draws of 20,006 numbers .*such as draws="):
        laplace(predictor, 4000, random_seed=1)
    with pytest.raises(MemoryLimitError, match=r"most of them 'mu'.*var_names="):
        importance(predictor, random_seed=1)
    with pytest.raises(MemoryLimitError, match=r"most of them 'mu'.*var_names="):
        verdict(tree, predictor, random_seed=1)


def test_a_verdict_on_three_names_computes_three(predictor, monkeypatch):
    tree = laplace(predictor, 50, random_seed=1)
    monkeypatch.setattr(memory, "available_memory", lambda: 2**28)
    found = verdict(tree, predictor, random_seed=1, var_names=["a", "b", "s"])
    assert list(found.table.index) == ["a", "b", "s"]
    assert found.agrees


def test_some_variables_of_draws(predictor):
    thetas = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.5]])
    some = predictor.unravel(thetas, ["s", "a"])
    assert list(some) == ["a", "s"]
    np.testing.assert_array_equal(some["a"], thetas[:, 0])
    np.testing.assert_allclose(some["s"], np.exp(thetas[:, 2]))
