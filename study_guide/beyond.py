"""Beyond the normal approximation: no mode, a wrong shape, a verdict, a hundred thousand groups.

A marimo notebook: ``marimo edit`` or ``marimo run`` opens it, ``python`` runs it once and prints
its numbers.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Beyond the normal approximation")


with app.setup(hide_code=True):
    import marimo as mo
    import numpy as np
    import pandas as pd
    from page_parts import beside, picture
    from running import note_of_copy, tell
    from tables import listed, markdown_of, markdown_of_rows

    from tripos.approximations import (
        LogDensity,
        TriposError,
        grid,
        importance,
        laplace,
        nested_laplace,
        skew_laplace,
    )
    from tripos.comparisons import Comparison, verdict
    from tripos.comparisons.exercise import UNITS
    from tripos.comparisons.pictures.marginals import plot_marginals
    from tripos.models import CATALOGUE, bioassay, borrowers, eight_schools
    from tripos.models.borrowers import INTERCEPT, SIGMA


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Beyond the normal approximation

    The first notebook, `normal_approximation.py`, ends where an ellipse misses a banana. This one
    goes on from there: a model that has no mode, two ways to mend a wrong shape, a verdict that
    needs neither grid nor sampler, and a model of a hundred thousand groups.

    ## A density without a mode

    Eight schools, each with the estimated effect $y_j$ of a coaching programme and its standard
    error $s_j$ (Rubin 1981; *Bayesian Data Analysis*, section 5.5):

    $$\begin{aligned} y_j &\sim \text{N}(\theta_j, s_j), & \theta_j &\sim \text{N}(\mu, \tau), \\
    \mu &\sim \text{N}(0, 5), & \tau &\sim \text{Cauchy}^+(5). \end{aligned}$$

    Let all $\theta_j$ equal $\mu$ and let $\tau$ go to zero: the density of the eight $\theta_j$
    grows like $\tau^{-8}$, without end. That spike is so thin that it has hardly any mass, but it
    is where a search for the mode must go.

    ```python
    from tripos.approximations import LogDensity, laplace, nested_laplace
    from tripos.models import eight_schools
    schools = LogDensity(eight_schools(centred=True))
    ```

    `laplace(schools)` answers:
    """)


@app.cell(hide_code=True)
def _():
    schools = LogDensity(eight_schools(centred=True), linker="numpy")
    try:
        laplace(schools, random_seed=1)
        refusal = "A mode was found."
    except TriposError as _failure:
        refusal = f"{type(_failure).__name__}: {_failure}"
    tell({"refused": float(refusal.startswith("ModeAtInfinityError"))})
    mo.md(f"> {refusal}")
    return (schools,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Write $\theta_j = \mu + \tau \eta_j$ and take $\eta_j$ for the variable. Now there is a mode, so
    `laplace` has an answer. That does not make it a good one: the mode is far from the mass, and
    the verdict, explained below, rejects every quantity.

    **Nested Laplace** looks at the model again. *Given* $\mu$ and $\tau$ the effects are normal, so
    they can be integrated out. What is left is a density of two parameters, smooth and with a mode;
    a small quadrature takes care of it. (With eight normal groups the inner step is exact.)

    ```python
    nested = nested_laplace(schools, points=25, draws=20_000, random_seed=1)
    print(nested["fit"]["mean"].values)
    print(nested["fit"]["log_evidence"].item())
    ```
    """)


@app.cell(hide_code=True)
def _(schools):
    nested = nested_laplace(schools, points=25, draws=20_000, random_seed=1)
    other_schools = LogDensity(eight_schools(centred=False), linker="numpy")
    noncentred = laplace(other_schools, random_seed=1)
    judged = {
        "Laplace, non-centred": verdict(noncentred, other_schools, random_seed=1),
        "nested Laplace": verdict(nested, schools, random_seed=1),
    }
    _fit, _posterior = nested["fit"], nested["posterior"]
    tell(
        {
            "schools_log_tau_mean": _fit["mean"].sel(parameter="tau_log__"),
            "schools_log_tau_sd": _fit["sd"].sel(parameter="tau_log__"),
            "schools_mu_mean": _fit["mean"].sel(parameter="mu"),
            "schools_mu_sd": _fit["sd"].sel(parameter="mu"),
            "schools_theta_mean": _fit["mean"].sel(parameter=_fit["parameter"].str.match("theta")),
            "schools_theta_draw_sd": _posterior["theta"].std(("chain", "draw")),
            "schools_tau_mean": _posterior["tau"].mean(),
            "schools_tau_sd": _posterior["tau"].std(),
            "schools_draws": _posterior.sizes["draw"],
            "schools_log_evidence": _fit["log_evidence"],
            "noncentred_rejected": judged["Laplace, non-centred"].counts["differs"],
            "noncentred_judged": len(judged["Laplace, non-centred"].table),
            "nested_accepted": judged["nested Laplace"].counts["agrees"],
            "nested_judged": len(judged["nested Laplace"].table),
        }
    )
    return judged, nested, noncentred


@app.cell(hide_code=True)
def _(judged, nested, noncentred):
    _trees = {"Laplace, non-centred": noncentred, "nested Laplace": nested}
    _truth = CATALOGUE["eight_schools"].truth
    _mode = float(noncentred["point_estimate"]["tau"])
    _rows = {
        label: [
            f"{truth:.2f}",
            *(float(tree["posterior"][name].sel(where).mean()) for tree in _trees.values()),
        ]
        for label, (name, where, truth) in {
            "mu": ("mu", {}, _truth.mean["mu"]),
            "tau": ("tau", {}, _truth.mean["tau"]),
            **{
                f"theta, {school}": ("theta", {"school": school}, _truth.mean[f"theta[{school}]"])
                for school in ("Choate", "Phillips Andover", "St. Paul's")
            },
        }.items()
    }
    _finding = (
        "Densities of mu, tau and the effect of Choate. Laplace in the non-centred coordinates has "
        "far too much mass at large tau."
    )
    mo.vstack(
        [
            picture(plot_marginals(_trees, ["mu", "tau", "theta[Choate]"]), _finding, "schools"),
            beside(
                mo.md(markdown_of_rows(["mean of", "exact", *_trees], _rows)),
                mo.md(
                    "\n".join(
                        f"- {label}: of {len(v.table)} quantities, "
                        + ", ".join(f"*{said}*: {n}" for said, n in v.counts.items() if n)
                        for label, v in judged.items()
                    )
                ),
            ),
            mo.md(
                "The exact means come from a quadrature in tau alone. In the non-centred "
                f"coordinates the mode lies at tau = {_mode:.0f}, where hardly any mass is."
            ),
        ]
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Mend the shape

    Back to the bioassay with a flat prior. The mode and the curvature are right, but the posterior
    is skewed. Two remedies need no further derivatives.

    **Reflect.** Draw $\theta$ from the ellipse, and its mirror image $2\hat\theta - \theta$. Keep
    one of the two, with probabilities in proportion to their posterior densities (Pozza, Durante
    and Szabo 2024). A draw in the empty half of the ellipse jumps to the full one.

    **Reweight.** Draw from something wider than the ellipse, and weight each draw by posterior over
    proposal. The weights tell how far they can be trusted: by Pareto's $\hat k$, below 0.7.

    ```python
    from tripos.approximations import importance, skew_laplace
    reflected = skew_laplace(bioassay(), random_seed=1)
    reweighted = importance(bioassay(), random_seed=1)
    ```
    """)


@app.cell(hide_code=True)
def _():
    bananas = LogDensity(bioassay(), linker="numpy")
    normal = laplace(bananas, random_seed=1)
    reweighted = importance(bananas, random_seed=2)
    shapes = Comparison(
        {
            "grid (exact)": grid(bananas, random_seed=1, progressbar=False),
            "Laplace": normal,
            "reflected": skew_laplace(bananas, random_seed=1),
            "reweighted": reweighted,
        }
    )
    shapes_summary = shapes.summary()
    _beta, _weights = shapes_summary.xs("beta"), reweighted["fit"]
    tell(
        {
            "beta_mean_exact": _beta.loc["grid (exact)", "mean"],
            "beta_mean_laplace": _beta.loc["Laplace", "mean"],
            "beta_mean_reflected": _beta.loc["reflected", "mean"],
            "beta_mean_reweighted": _beta.loc["reweighted", "mean"],
            "beta_sd_reflected": _beta.loc["reflected", "sd"],
            "beta_sd_reweighted": _beta.loc["reweighted", "sd"],
            "pareto_khat": _weights["pareto_khat"],
            "effective_sample_size": _weights["effective_sample_size"],
            "log_evidence": _weights["log_evidence"],
            "log_evidence_error": _weights["log_evidence_error"],
        }
    )
    return bananas, normal, reweighted, shapes, shapes_summary


@app.cell(hide_code=True)
def _(reweighted, shapes, shapes_summary):
    _columns = {"mean": "mean", "sd": "sd", "q2.5": "2.5 %", "q50": "50 %", "q97.5": "97.5 %"}
    _table = shapes_summary.xs("beta").rename(columns=_columns)[list(_columns.values())]
    _k_hat, _worth = (float(reweighted["fit"][x]) for x in ("pareto_khat", "effective_sample_size"))
    _pairs = reweighted["posterior"].sizes["draw"]
    _finding = "The reflected draws come closer to the exact density; the reweighted ones meet it."
    mo.vstack(
        [
            picture(plot_marginals(shapes.trees, ["alpha", "beta"], UNITS), _finding, "shapes"),
            mo.md(f"""
    {markdown_of(_table, corner="beta")}

    Reflection recovers two thirds of the shift, at the price of one more density a draw. What it
    cannot see is that the posterior's tail is longer than the ellipse's. The weights see that too:
    here $\\hat k$ is {_k_hat:.2f}, well below 0.7, and {_pairs:,} weighted pairs are worth
    {_worth:,.0f} exact draws.
    """),
        ]
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The verdict

    With two parameters a grid tells which of the four is right. With twenty there is none. But the
    weighted draws are there in any case, and where $\hat k$ says that they can be trusted they can
    judge: is the mean within a tenth of a standard deviation, the standard deviation within a
    tenth, the 50 and 95 % intervals within three percentage points of the mass that they claim?

    ```python
    from tripos.comparisons import verdict
    said = verdict(laplace(bioassay(), random_seed=1), bioassay(), random_seed=1)
    print(said)
    ```
    """)


@app.cell(hide_code=True)
def _(bananas, normal, reweighted, shapes):
    _by_weights = verdict(normal, bananas, random_seed=1)
    _by_grid = verdict(reweighted, against=shapes.trees["grid (exact)"])
    tell(
        {
            "laplace_rejected": _by_weights.counts["differs"],
            "laplace_judged": len(_by_weights.table),
            "reweighted_accepted": _by_grid.counts["agrees"],
            "reweighted_judged": len(_by_grid.table),
        }
    )
    mo.md(f"""
    Laplace, judged by the weighted draws:

    {listed(_by_weights)}

    The reweighted draws, judged by the grid:

    {listed(_by_grid)}

    Where it is too close to tell, or the weights cannot be trusted, the verdict is *inconclusive*;
    where there is nothing to measure with, such as two modes, *failed*. What no verdict sees is a
    mode that no search has found. The third notebook, `ladder.py`, lets verdicts choose the method.
    """)


@app.cell(hide_code=True)
def _():
    size = mo.ui.dropdown(["100", "200", "1000", "10000"], value="200", label="Groups")
    many = mo.ui.run_button(label="Run 100,000 groups")
    mo.vstack(
        [
            mo.md(r"""
    ## A hundred thousand borrowers

    Ten borrowers in each of $J$ groups, some of whom default; each group has an effect of its own,
    normal with unknown standard deviation $\sigma$. That is $J + 5$ parameters. The Hessian has
    $(J + 5)^2$ entries, and nearly all of them are zero: no group's effect enters another group's
    likelihood. tripos finds the zeros in the model's graph, and does its algebra on the rest.

    ```python
    from tripos.models import borrowers
    loans = nested_laplace(borrowers(groups=200), nagq=5, random_seed=1)
    print(loans["fit"]["mean"].values[:5], loans["fit"]["sd"].values[:5])
    ```

    The data are simulated, so the truth is known. A hundred thousand groups take some minutes.
    """),
            mo.md(note_of_copy()),
            mo.hstack([size, many], justify="start", gap=2),
        ]
    )
    return many, size


@app.cell(hide_code=True)
def _(many, size):
    from time import perf_counter

    _groups = 100_000 if many.value else int(size.value)
    _started = perf_counter()
    _fit = nested_laplace(borrowers(groups=_groups), nagq=5, random_seed=1)["fit"].to_dataset()
    _seconds = perf_counter() - _started
    _names = ["intercept", "slopes[0]", "slopes[1]", "slopes[2]", "sigma_log__"]
    _chosen = _fit[["mean", "sd"]].sel(parameter=_names)
    _table = pd.DataFrame(
        {"simulated with": [INTERCEPT, 0.5, -0.25, 0.125, np.log(SIGMA)]},
        index=[*_names[:-1], "log sigma"],
    ).assign(mean=_chosen["mean"].values, sd=_chosen["sd"].values)
    tell(
        {
            "borrowers_groups": _groups,
            "borrowers_mean": _chosen["mean"],
            "borrowers_sd": _chosen["sd"],
            "borrowers_truth": _table["simulated with"],
        }
    )
    mo.md(f"""
    {_groups:,} groups, {_groups + 5:,} parameters, {_seconds:.1f} seconds.

    {markdown_of(_table, digits=3)}

    With four times the groups, the standard deviations halve. The bias of an approximation does
    not, so what is good enough for a hundred groups may not be for a hundred thousand: `nagq=5`
    integrates each small group by five points instead of Laplace's one. At 100,000 groups that
    moves log sigma by five standard deviations, to a tenth of one from what sixty points give.
    """)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    *Sources.* D. B. Rubin, “Estimation in parallel randomized experiments”, Journal of Educational
    Statistics 6 (1981). H. Rue, S. Martino and N. Chopin, “Approximate Bayesian inference for
    latent Gaussian models by using integrated nested Laplace approximations”, JRSS B 71 (2009). F.
    Pozza, D. Durante and B. Szabo, “Skew-symmetric approximations of posterior distributions”,
    arXiv 2409.14167 (2024). A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry, “Pareto
    smoothed importance sampling”, JMLR 25 (2024).
    """)


if __name__ == "__main__":
    app.run()
