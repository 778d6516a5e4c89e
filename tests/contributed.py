"""What `test_contributing.py` runs in a copy of tripos with the code that CONTRIBUTING.md gives."""

import json
import sys
from pathlib import Path

import pytest

import tripos
from tripos.comparisons.pictures.distribution import plot_distribution
from tripos.comparisons.verdict.judges import reference_of

# The contract of the methods and of the catalogue; without the models that take longest.
CONTRACT = (
    "(toy or (catalogue and visits)) and not "
    "(varying_slopes or crossed_effects or neural_network or borrowers or smooth_trend)"
)


def lines_drawn(figure):
    """Colours of the lines of the first panel, by label where they have one."""
    return [line.get_color() for line in figure.axes[0].get_lines()]


def main():
    """Use the method, the model and the picture; print what came of it."""
    assert Path(tripos.__file__).is_relative_to(Path.cwd()), tripos.__file__
    model = tripos.models.bioassay()
    comparison = tripos.compare(model, ["grid", "toy"], random_seed=1)
    trees = comparison.trees
    suite = tripos.run_suite(["visits"], ["toy"], store="suite", workers=1, progressbar=False)
    visits = tripos.grid(tripos.models.CATALOGUE["visits"].build(), random_seed=1)
    report = comparison.to_html("report.html", model=model)
    found = {
        "quantities": sorted(comparison.summary().index.unique("quantity")),
        "judge": reference_of(trees),
        "verdict": tripos.verdict(trees["toy"], model, random_seed=1).table["judgement"].to_dict(),
        "failures": [record["failure"] for record in suite.records.values()],
        "suite": suite.summary().index.unique("method").tolist(),
        "in_report": "toy(model" in report.read_text(encoding="utf-8"),
        "drawn": lines_drawn(comparison.pictures(["alpha", "beta"])["marginals"]),
        "picture": lines_drawn(plot_distribution(trees, "beta")),
        "mean_rate": visits["fit"]["mean"].values.tolist(),
    }
    print(json.dumps(found))
    return pytest.main(["-q", "-k", CONTRACT, "tests"])


if __name__ == "__main__":
    sys.exit(main())
