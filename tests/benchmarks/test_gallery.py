"""The gallery: every model builds, and its truth is sound and of what is asked."""

import sys
from pathlib import Path

import numpy as np
import pytest

# Benchmarks are scripts and no package of tripos.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from gallery import GALLERY, generate
from gallery.truth import is_sound, load_truth
from posteriors.quantities import quantities_of


@pytest.mark.parametrize("name", GALLERY)
def test_truth_is_of_what_is_asked(name):
    entry, found = GALLERY[name], load_truth(name)
    model = entry.build()
    assert set(entry.ask) <= {v.name for v in (*model.free_RVs, *model.deterministics)}
    assert not [v for v in model.free_RVs if v.dtype.startswith("int")]
    assert set(found.quantities) == set(quantities_of(model, entry.ask))
    assert len(found.quantities) <= 20
    assert is_sound(found.diagnostics)
    for label, known in found.quantities.items():
        assert np.all(np.diff(known.quantiles) > 0), label
        assert known.mcse_mean < 0.02 * known.sd


def test_there_are_enough_and_a_third_have_groups_or_fields():
    assert len(GALLERY) >= 42
    kinds = [entry.kind for entry in GALLERY.values()]
    latent = {"hierarchical", "latent", "Gaussian process", "time series", "spatial", "SDE"}
    assert sum(kind in latent for kind in kinds) >= len(GALLERY) / 3
    assert kinds.count("hierarchical") >= 10


def test_draws_of_exchangeable_components_are_of_all_modes():
    """Pairs stay together, and each component takes each place equally often."""
    entry = GALLERY["normal_mixture_unordered"]
    one_mode = {
        **{f"mu[{k}]": np.full((2, 5000), float(k)) for k in range(2)},
        **{f"w[{k}]": np.full((2, 5000), 0.3 + 0.4 * k) for k in range(2)},
        "sigma": np.ones((2, 5000)),
    }
    found = generate.relabelled(one_mode, entry)
    assert found["mu[0]"].mean() == pytest.approx(0.5, abs=4 * 0.5 / 100)
    np.testing.assert_allclose(found["w[0]"], 0.3 + 0.4 * found["mu[0]"])
    np.testing.assert_array_equal(found["mu[0]"] + found["mu[1]"], 1.0)
    assert found["sigma"] is one_mode["sigma"]
