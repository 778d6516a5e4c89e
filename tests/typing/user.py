"""What a user writes. Each comment is the type that mypy and pyright must know, not Any."""

from typing import reveal_type

import tripos

model = tripos.models.bioassay()
density = tripos.LogDensity(model)
reveal_type(density)  # LogDensity
mode = tripos.find_mode(density)
reveal_type(mode.theta)  # ndarray
tree = tripos.laplace(density, draws=1000, random_seed=1)
reveal_type(tree)  # DataTree
reveal_type(tripos.fit(model, var_names=["beta"]))  # DataTree
reveal_type(tripos.verdict(tree, density, random_seed=1))  # Verdict
comparison = tripos.compare(model, methods=("grid", "laplace"))
reveal_type(comparison)  # Comparison
reveal_type(tripos.calibrate(model, "laplace", simulations=100))  # Calibration
suite = tripos.run_suite(["bioassay"], ["laplace", "importance"], store="suite")
reveal_type(suite)  # Suite
reveal_type(tripos.METHODS["laplace"])  # Method
try:
    tripos.nested_laplace(model)
except tripos.LatentFieldError as error:
    reveal_type(error)  # LatentFieldError
reveal_type(tripos.__version__)  # str
