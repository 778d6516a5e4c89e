"""The normal approximation of a posterior, step by step, on the bioassay of Racine et al. (1986).

A marimo notebook: ``marimo edit`` or ``marimo run`` opens it, ``python`` runs it once and prints
its numbers.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The normal approximation")


with app.setup(hide_code=True):
    import marimo as mo
    import numpy as np
    import pandas as pd
    from bioassay_fits import (
        beta_mean_under,
        beta_quantiles,
        compiled_density,
        correlation_of,
        exact_moments,
        exact_share,
        in_coordinates,
        ld50_quantiles,
        negative_slope,
        refit,
        total_variation,
    )
    from dose_table import BOOK, read_doses, table_of
    from page_parts import answer, beside, picture
    from running import note_of_copy, runs_everything, tell
    from tables import markdown_of, markdown_of_rows
    from windshields import exact_draws, windshield_without_log

    from tripos.approximations import LogDensity, TriposError, laplace, nuts
    from tripos.comparisons import Comparison
    from tripos.comparisons.exercise import UNITS
    from tripos.comparisons.pictures.contours import plot_contours
    from tripos.comparisons.pictures.marginals import plot_marginals
    from tripos.comparisons.pictures.overlay import plot_overlay
    from tripos.models import bioassay, windshield
    from tripos.models.windshield import LINES

    units = {**UNITS, "log beta": "beta per log g/ml"}


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The normal approximation

    A study guide to chapter 4 of *Bayesian Data Analysis* (Gelman, Carlin, Stern, Dunson, Vehtari
    and Rubin, 3rd edition), in our own words. The example is the bioassay of its section 3.7. Read
    the chapter first; come here to turn the knobs.

    ## Why

    With enough data, a posterior density looks like a normal density around its mode. There, the
    log density is flat, so to second order it is a parabola, and the exponential of a parabola is a
    normal density. Two things describe it: **where the mode is**, and **how sharply the log density
    bends there**. Both cost a few evaluations of the density and its derivatives, where a sampler
    needs thousands and a grid, in many dimensions, more than anyone has.

    “Enough data” is a promise about the limit. Here are twenty animals. How good is the
    approximation *now*, for *the quantity you want*? That is a question one can compute, and this
    page does: it puts the normal approximation beside the exact posterior on a grid.

    ## The experiment

    Each of four groups of five animals got a dose of a chemical, and some died. With $x_i$ the log
    of the dose, $n_i$ animals and $y_i$ deaths,

    $$y_i \sim \text{Binomial}(n_i, p_i), \qquad \text{logit}(p_i) = \alpha + \beta x_i .$$

    The table can be edited: choose a cell with mouse or arrow keys, type, press Enter. Everything
    below follows. Nothing is compiled again: the data are no constants of the compiled density.
    """)


@app.cell(hide_code=True)
def _():
    table = mo.ui.data_editor(table_of(BOOK))
    prior = mo.ui.dropdown(
        {
            "flat, as in the book": "flat",
            "alpha ~ N(0, 4), beta ~ N(10, 10)": "normal",
            "the same numbers as variances": "normal_variance",
            "correlated, as in exercise 3.11": "correlated",
            "weak: N(0, 100) for both": "weak",
        },
        value="flat, as in the book",
        label="Prior (second number: sd)",
    )
    slope = mo.ui.radio(
        {"beta": "natural", "log beta": "log"},
        value="beta",
        inline=True,
        label="Coordinate of the slope",
    )
    draws = mo.ui.slider(
        steps=[200, 500, 1000, 2000, 4000, 10000],
        value=4000,
        show_value=True,
        label="Draws",
    )
    mo.vstack(
        [
            mo.md(note_of_copy()),
            table,
            mo.hstack([prior, slope, draws], wrap=True, justify="start", gap=2),
        ]
    )
    return draws, prior, slope, table


@app.cell(hide_code=True)
def _():
    from functools import cache

    # Once for each reader: a new table is only new data for it.
    density_of = cache(compiled_density)
    return (density_of,)


@app.cell(hide_code=True)
def _(density_of, draws, prior, slope, table):
    doses, fits = None, None
    try:
        doses = read_doses(table.value)
        fits = refit(density_of(prior.value, slope.value), doses, draws.value)
        _said = mo.md(
            f"{doses.animals.sum()} animals, {doses.deaths.sum()} of them dead. The normal "
            f"approximation took {1000 * fits.seconds:.0f} milliseconds."
        )
    except TriposError as _failure:
        _said = mo.callout(mo.md(f"**There is nothing to show.** {_failure}"), kind="warn")
    _said  # noqa: B018
    return doses, fits


@app.cell(hide_code=True)
def _(fits):
    mo.stop(fits is None)
    plane = {label: in_coordinates(tree) for label, tree in fits.trees.items()}
    slope_name = fits.slope.replace("beta_log__", "log beta")
    inside = {level: exact_share(fits, level) for level in (0.5, 0.95)}
    _finding = (
        "Contours of the exact posterior and of its normal approximation. Laplace's central 50 % "
        f"interval for the slope holds {100 * inside[0.5]:.0f} % of the exact mass, its 95 % "
        f"interval {100 * inside[0.95]:.0f} %."
    )
    _fit = fits.normal["fit"]
    _mean, _sd = exact_moments(fits)
    _rows = {
        "mode": _fit["mode"].values,
        "Laplace sd": _fit["sd"].values,
        "exact mean": _mean,
        "exact sd": _sd,
    }
    beside(
        picture(plot_contours(plane, "alpha", slope_name, units=units), _finding, "contours"),
        mo.md(markdown_of_rows(["", "alpha", slope_name], _rows)),
    )
    return inside, plane, slope_name


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The dashed ellipses are the normal approximation; the solid contours are the truth. With the
    book's data the posterior has a tail towards large slopes that no ellipse has. The steps below
    say where each number comes from. Each is three lines of Python.

    ## The posterior

    Any PyMC model is a log density over a vector. That is all that the methods below see.

    ```python
    from tripos.approximations import LogDensity, find_mode, grid, laplace, nuts
    from tripos.models import bioassay
    density = LogDensity(bioassay("flat"))
    ```

    The vector is *unconstrained*: a positive variable enters by its log, and the density carries
    the Jacobian of that change. Alpha and beta are free to be anything, so here nothing changes,
    until you choose log beta above.

    ## Step 1: the mode

    Newton's method: at each point the gradient says where to go, the Hessian how far. It stops
    where the gradient is zero.

    ```python
    mode = find_mode(density)
    print(mode.theta)
    print(density.gradient(mode.theta))
    ```
    """)


@app.cell(hide_code=True)
def _(fits, slope_name):
    mo.stop(fits is None)
    _a, _b = fits.normal["fit"]["mode"].values
    mo.md(
        f"For the table above: **alpha = {_a:.4f}, {slope_name} = {_b:.4f}**, where the log "
        f"density is {float(fits.normal['fit']['logp_mode']):.4f}."
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step 2: the Hessian, and the normal distribution

    The second derivatives at the mode, with their sign changed, are the *precision* of the normal
    approximation, and the inverse is its covariance:

    $$p(\theta \mid y) \approx \text{N}\bigl(\hat\theta, [-\nabla^2 \log p(\hat\theta \mid
    y)]^{-1}\bigr).$$

    ```python
    normal = laplace(density, random_seed=1)
    print(normal["fit"]["precision"].values, normal["fit"]["sd"].values)
    print(normal["fit"]["log_evidence"].item())
    ```

    The derivatives are exact, not finite differences, and not what an optimiser happened to leave
    behind. As the height and the width of the peak are known, so is its volume: the evidence comes
    free, to the same accuracy as the rest.
    """)


@app.cell(hide_code=True)
def _(fits, slope_name):
    mo.stop(fits is None)
    _fit = fits.normal["fit"]
    _sd = _fit["sd"].values
    _rows = dict(zip(["alpha", slope_name], _fit["precision"].values, strict=True))
    mo.md(f"""
    For the table above, the negative Hessian is

    {markdown_of_rows(["", "alpha", slope_name], _rows, digits=4)}

    so the standard deviations are **{_sd[0]:.4f}** and **{_sd[1]:.4f}**, with correlation
    {correlation_of(fits.normal):.3f}. Log evidence: {float(_fit["log_evidence"]):.4f} by Laplace,
    {float(fits.exact["fit"]["log_evidence"]):.4f} exactly.
    """)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step 3: draws

    A normal distribution is easy to draw from, and a draw of the parameters is a draw of anything
    computed from them. No Markov chain: every draw is independent.

    ```python
    beta = normal["posterior"]["beta"]
    print(beta.quantile([0.025, 0.5, 0.975]).values)
    print((beta < 0).mean().item())
    ```
    """)


@app.cell(hide_code=True)
def _(fits, plane, slope_name):
    mo.stop(fits is None)
    picture(
        plot_overlay(plane, "alpha", slope_name, units=units),
        "Draws of the exact posterior and of the normal approximation, with their common mode.",
        "overlay",
    )


@app.cell(hide_code=True)
def _(fits):
    mo.stop(fits is None)
    _below = negative_slope(fits)
    mo.md(
        f"Of the normal approximation, **{100 * _below['Laplace']:.2g} %** has a negative slope: a "
        "chemical that heals. The exact posterior gives that "
        f"{100 * _below['grid (exact)']:.2g} %."
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Step 4: the grid

    With two parameters there is no need to approximate. Evaluate the density on a fine grid, divide
    by the sum, and every mean and quantile is a sum.

    ```python
    exact = grid(density, random_seed=1)
    print(exact["fit"]["mean"].values, exact["fit"]["sd"].values)
    print(exact["fit"]["log_evidence"].item())
    ```

    The box matters. Its edges are moved outwards here until each holds less than a millionth of the
    mass. The book's box, alpha in [-4, 8] and beta in [-10, 40], leaves out 0.07 % of it, which
    shows in the second decimal of the mean of beta.

    ## Step 5: compare

    ```python
    from tripos.comparisons import Comparison
    comparison = Comparison({"grid": exact, "laplace": normal})
    print(comparison.summary()[["mean", "sd", "q2.5", "q97.5"]])
    ```
    """)


@app.cell(hide_code=True)
def _(fits):
    mo.stop(fits is None)
    picture(
        plot_marginals(fits.trees, ["alpha", "beta", "ld50"], units=units),
        "Marginal densities of alpha, beta and LD50 by both methods.",
        "marginals",
    )


@app.cell(hide_code=True)
def _(fits, inside):
    mo.stop(fits is None)
    mo.md(f"""
    Quantiles of beta, for the table above:

    {markdown_of(beta_quantiles(fits))}

    - Laplace's central 50 % interval for beta holds **{100 * inside[0.5]:.1f} %** of the exact
      mass, and its 95 % interval **{100 * inside[0.95]:.1f} %**.
    - Total variation distance, over both parameters: **{total_variation(fits):.3f}**. That is the
      largest error that the approximation can make in the probability of any event.
    """)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it tells

    With the book's data, the *mass* of the 50 % interval is nearly right and its *end points* are
    not: the interval lies too low by more than half a standard deviation, and what it loses on one
    side it nearly gains on the other. The 95 % interval has no such luck. So judge an approximation
    by the quantity you will report. `tripos.comparisons.verdict` does that without a grid, for any
    number of parameters; see the second notebook, `beyond.py`.

    **The mode depends on the coordinates.** Choose log beta above: the mode moves, the ellipse
    fits better, and no draw has a negative slope. Exercise 2 puts numbers on it.

    ## What fails

    Set the deaths to 0, 0, 5, 5 under the flat prior. A dose now separates the living from the
    dead, the likelihood rises for ever as the curve gets steeper, and there is no mode. tripos
    says so rather than return the last point of a search:
    """)


@app.cell(hide_code=True)
def _(density_of):
    from dataclasses import replace

    _separated = replace(BOOK, deaths=BOOK.deaths * 0 + [0, 0, 5, 5])
    try:
        refit(density_of("flat", "natural"), _separated)
        _said = "a mode was found"
    except TriposError as _failure:
        _said = f"{type(_failure).__name__}: {_failure}"
    separated = _said
    mo.md(f"> {separated}")
    return (separated,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Other ways to fail: the mode lies at a boundary; there are two modes; the Hessian is singular,
    because the data know only a combination of the parameters; or the parameters are many and
    the mode is far from where the mass is, as in a hierarchical model whose density has a spike at
    zero variance. `beyond.py` goes there.

    # Exercises

    The first four use the book's data, whatever the table above says.

    ## 1. The dose that kills half

    LD50 is the log dose at which $p = 1/2$, so $-\alpha/\beta$. Compute its 2.5, 25, 50, 75 and
    97.5 % quantiles from the normal approximation and from the grid, given that beta is positive.
    Why do they differ so much in the tails, when the medians agree?

    ```python
    ld50, beta = normal["posterior"]["ld50"], normal["posterior"]["beta"]
    print(ld50.where(beta > 0).quantile([0.025, 0.25, 0.5, 0.75, 0.975]).values)
    print(exact["posterior"]["ld50"].quantile([0.025, 0.25, 0.5, 0.75, 0.975]).values)
    ```
    """)


@app.cell(hide_code=True)
def _(density_of):
    flat = refit(density_of("flat", "natural"), BOOK, draws=20000)
    flat_beta, flat_ld50 = beta_quantiles(flat), ld50_quantiles(flat)
    flat_below = negative_slope(flat)
    flat_inside = {level: exact_share(flat, level) for level in (0.5, 0.95)}
    flat_distance = total_variation(flat)
    answer(
        mo.md(markdown_of(flat_ld50, digits=3)),
        picture(
            plot_marginals(flat.trees, ["ld50"], units=units),
            "The density of LD50 by Laplace has the same centre and far longer tails.",
            "ld50",
        ),
        mo.md(f"""
    LD50 is a ratio. The normal approximation puts {100 * flat_below["Laplace"]:.1f} % of its mass
    on negative slopes, where LD50 means nothing, and about as much again on slopes between 0 and 2,
    where $-\\alpha/\\beta$ runs away to either side. Leaving out the negative ones does not mend
    the others. The exact posterior keeps away from zero: four in a million slopes are negative.

    The medians agree all the same. LD50 is below $x$ when $\\alpha + \\beta x > 0$, so its median
    belongs to the line through the origin that halves the cloud of draws. The posterior is skewed
    along that line, not across it.

    A ratio whose denominator can be zero has no mean. A mean of the draws is a number all the same,
    another one for each seed; compare quantiles instead.
    """),
    )
    return flat, flat_below, flat_beta, flat_distance, flat_inside, flat_ld50


@app.cell(hide_code=True)
def _(flat, flat_below, flat_beta, flat_distance, flat_inside, flat_ld50):
    _fit, _exact = flat.normal["fit"], flat.exact["fit"]
    tell(
        {
            "mode": _fit["mode"],
            "negative_hessian": _fit["precision"],
            "sd": _fit["sd"],
            "correlation": correlation_of(flat.normal),
            "log_evidence_laplace": _fit["log_evidence"],
            "log_evidence_exact": _exact["log_evidence"],
            "exact_mean": _exact["mean"].sel(quantity=["alpha", "beta"]),
            "exact_sd": _exact["sd"].sel(quantity=["alpha", "beta"]),
            "beta_quantiles_exact": flat_beta.loc["grid (exact)"],
            "beta_quantiles_laplace": flat_beta.loc["Laplace"],
            "beta_below_zero_exact": flat_below["grid (exact)"],
            "beta_below_zero_laplace": flat_below["Laplace"],
            "exact_mass_in_laplace_50": flat_inside[0.5],
            "exact_mass_in_laplace_95": flat_inside[0.95],
            "total_variation": flat_distance,
            "ld50_quantiles_exact": flat_ld50.loc["grid (exact)"],
            "ld50_quantiles_laplace": flat_ld50.loc["Laplace"],
            "ld50_draws": flat.normal["posterior"].sizes["draw"],
        }
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 2. Log slope

    Repeat the approximation in the coordinates (alpha, log beta), with the prior still flat in
    beta. What becomes of the mode, of the 95 % interval for beta, and of the log evidence?

    ```python
    log_density = LogDensity(bioassay("flat", slope="log"))
    log_normal = laplace(log_density, random_seed=1)
    print(log_normal["fit"]["mode"].values, log_normal["fit"]["sd"].values)
    ```
    """)


@app.cell(hide_code=True)
def _(density_of, flat, flat_beta, flat_distance):
    in_log = refit(density_of("flat", "log"), BOOK)
    _fit = in_log.normal["fit"]
    _mode, _sd = _fit["mode"].values, _fit["sd"].values
    _exact = float(flat.exact["fit"]["log_evidence"])
    _errors = [float(f.normal["fit"]["log_evidence"]) - _exact for f in (flat, in_log)]
    _table = pd.concat(
        [
            flat_beta.rename(index={"Laplace": "Laplace in beta"}),
            beta_quantiles(in_log)
            .loc[["Laplace"]]
            .rename(index={"Laplace": "Laplace in log beta"}),
        ]
    )
    _plane = {label: in_coordinates(tree) for label, tree in in_log.trees.items()}
    tell(
        {
            "log_slope_mode": _mode,
            "log_slope_sd": _sd,
            "log_slope_correlation": correlation_of(in_log.normal),
            "log_slope_log_evidence": _fit["log_evidence"],
            "log_slope_total_variation": total_variation(in_log),
        }
    )
    answer(
        mo.md(markdown_of(_table)),
        picture(
            plot_contours(_plane, "alpha", "log beta", units=units),
            "In log beta the contour of 50 % is nearly an ellipse, and that of 95 % nearer to one.",
            "log-slope",
        ),
        mo.md(f"""
    The mode is at alpha = {_mode[0]:.3f}, log beta = {_mode[1]:.3f}, so at beta =
    {np.exp(_mode[1]):.2f} rather than 7.75. Neither is wrong: a density changes with its
    coordinates, and its highest point with it. (The change is by a Jacobian, here a factor beta;
    leave it out and you approximate another posterior.) The standard deviations are {_sd[0]:.3f}
    and {_sd[1]:.3f}.

    The log takes away most of the skewness. No slope can be negative, the quantiles of beta come
    close, total variation falls from {flat_distance:.3f} to {total_variation(in_log):.3f}, and the
    error of the log evidence from {_errors[0]:.3f} to {_errors[1]:.3f}. Where you may choose the
    coordinates, choose those in which the log density is most like a parabola.
    """),
    )
    return (in_log,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 3. A normal prior

    Let alpha ~ N(0, 4) and beta ~ N(10, 10). Some write the standard deviation as the second number
    and some the variance. Do both. How far does each reading move the mode, and how much does it
    tighten the covariance?

    ```python
    for prior in ("normal", "normal_variance"):
        fit = laplace(bioassay(prior), random_seed=1)["fit"]
        print(prior, fit["mode"].values, fit["sd"].values)
    ```
    """)


@app.cell(hide_code=True)
def _(density_of, flat):
    _named = {"flat": flat}
    for _name, _prior in (("sd 4 and 10", "normal"), ("variance 4 and 10", "normal_variance")):
        _named[_name] = refit(density_of(_prior, "natural"), BOOK)
        _fit, _exact = _named[_name].normal["fit"], _named[_name].exact["fit"]
        tell(
            {
                f"{_prior}_mode": _fit["mode"],
                f"{_prior}_sd": _fit["sd"],
                f"{_prior}_exact_mean": _exact["mean"].sel(quantity=["alpha", "beta"]),
                f"{_prior}_exact_sd": _exact["sd"].sel(quantity=["alpha", "beta"]),
                f"{_prior}_log_evidence_exact": _exact["log_evidence"],
            }
        )
    _area = {
        name: float(np.sqrt(np.linalg.det(f.normal["fit"]["covariance"].values)))
        for name, f in _named.items()
    }
    _head = ["Prior", "mode: alpha", "beta", "sd: alpha", "beta", "correlation", "area of ellipse"]
    _rows = {
        name: [
            *f.normal["fit"]["mode"].values,
            *f.normal["fit"]["sd"].values,
            correlation_of(f.normal),
            f"{100 * _area[name] / _area['flat']:.0f} %",
        ]
        for name, f in _named.items()
    }
    _labels = ("variance 4 and 10", "sd 4 and 10")
    _trees = {"flat prior": flat.normal, **{name: _named[name].normal for name in _labels}}
    answer(
        mo.md(markdown_of_rows(_head, _rows)),
        picture(
            plot_contours(_trees, "alpha", "beta", units=units),
            "The ellipses of the normal approximation shrink as the prior tightens.",
            "priors",
        ),
        mo.md(f"""
    Read as standard deviations, the prior hardly moves the mode: by
    {_rows["sd 4 and 10"][1] - _rows["flat"][1]:.2f} in beta, 6 % of a standard deviation,
    and the ellipse keeps {100 * _area["sd 4 and 10"] / _area["flat"]:.0f} % of its area. Read as
    variances it moves the mode by {_rows["variance 4 and 10"][1] - _rows["flat"][1]:.2f} and leaves
    {100 * _area["variance 4 and 10"] / _area["flat"]:.0f} % of the area. A prior's precision adds
    to the Hessian: 1/100 or 1/10, where the data's own curvature in beta is
    {float(flat.normal["fit"]["precision"].values[1, 1]):.3f}. With the tight prior the posterior
    is nearly normal, and Laplace nearly right: a prior is data too. Compare approximations only
    under one prior.
    """),
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## 4. Windshields

    Nine windshields were measured for hardness: normal data with both mean and standard deviation
    unknown, and $p(\mu, \log\sigma)$ constant (the book's section 3.2). The posterior can be drawn
    from exactly. Approximate it in $(\mu, \log\sigma)$, and again in $(\mu, \sigma)$.

    ```python
    from tripos.models import windshield
    panes = laplace(windshield(), random_seed=1)
    print(panes["fit"]["mode"].values, panes["fit"]["sd"].values)
    ```
    """)


@app.cell(hide_code=True)
def _():
    _draws = 20000
    panes = {
        "exact draws": exact_draws(LINES[1], _draws, random_seed=1),
        "Laplace in log sigma": laplace(
            LogDensity(windshield(), linker="numpy"), _draws, random_seed=1
        ),
        "Laplace in sigma": laplace(
            LogDensity(windshield_without_log(LINES[1]), linker="numpy"), _draws, random_seed=1
        ),
    }
    _keys = {"exact draws": "exact", "Laplace in log sigma": "log", "Laplace in sigma": "no_log"}
    _rows = {}
    for _label, _tree in panes.items():
        _posterior = _tree["posterior"].to_dataset()
        _q = _posterior.quantile([0.025, 0.5, 0.975], dim=("chain", "draw"))
        _sd = float(_posterior["mu"].std())
        _rows[_label] = [_sd, *_q["sigma"].values, *_q["mu"].values[[0, 2]]]
        tell(
            {
                f"windshield_{_keys[_label]}_sd_mu": _sd,
                f"windshield_{_keys[_label]}_sigma_quantiles": _q["sigma"],
                f"windshield_{_keys[_label]}_mu_quantiles": _q["mu"],
            }
        )
        if _label != "exact draws":
            _fit = _tree["fit"]
            tell(
                {
                    f"windshield_{_keys[_label]}_mode": _fit["mode"],
                    f"windshield_{_keys[_label]}_fit_sd": _fit["sd"],
                    f"windshield_{_keys[_label]}_log_evidence": _fit["log_evidence"],
                }
            )
    tell({"windshield_draws": _draws})
    _head = ["", "sd of mu", "sigma 2.5 %", "50 %", "97.5 %", "mu 2.5 %", "97.5 %"]
    answer(
        mo.md(markdown_of_rows(_head, _rows)),
        picture(
            plot_contours(panes, "mu", "sigma"),
            "The exact posterior of sigma reaches far higher than both approximations.",
            "windshields",
        ),
        mo.md(r"""
    In the log the mode is at the root mean square deviation, and the standard deviations are
    $\hat\sigma/\sqrt{n}$ and $1/\sqrt{2n}$. The exact marginal of $\mu$ is a $t$ with $n - 1 = 8$
    degrees of freedom, and wider: its standard deviation is larger by $\sqrt{n/(n-3)} = 1.22$. An
    approximation at one point has a single $\sigma$; the $t$ comes from averaging over all of them.

    Without the log it gets worse. The posterior of $\sigma$ itself is skewed to the right, so its
    mode is lower ($s\sqrt{(n-1)/(n+1)}$), and with it the width of $\mu$. With less data some draws
    of $\sigma$ would be negative. Take logs of what is positive.
    """),
    )
    return (panes,)


@app.cell(hide_code=True)
def _():
    nuts_button = mo.ui.run_button(label="Run NUTS")
    mo.vstack(
        [
            mo.md(r"""
    ## 5. Three legs

    Put the grid, the normal approximation and NUTS into one picture, under one prior. Which of the
    two approximations errs, and by how much?

    ```python
    chain = nuts(bioassay("flat"), nuts_sampler="pymc", random_seed=1, progressbar=False)
    three = Comparison({"grid": exact, "laplace": normal, "nuts": chain})
    print(three.summary()[["mean", "sd", "mcse_mean", "r_hat"]])
    ```

    The picture takes the table, prior and coordinates from the top of the page. It needs some
    20 seconds the first time. (nutpie, the default, samples faster and compiles longer; for two
    parameters the latter counts.)
    """),
            nuts_button,
        ]
    )
    return (nuts_button,)


@app.cell(hide_code=True)
def _(doses, fits, nuts_button, prior, slope):
    mo.stop(fits is None or not (nuts_button.value or runs_everything()))
    _model = bioassay(
        prior.value,
        slope.value,
        log_doses=doses.log_doses,
        animals=doses.animals,
        deaths=doses.deaths,
    )
    try:
        chain = nuts(
            _model, nuts_sampler="pymc", chains=4, cores=1, random_seed=1, progressbar=False
        )
    except TriposError as _failure:
        mo.stop(True, mo.callout(mo.md(f"**NUTS did not run.** {_failure}"), kind="warn"))
    three = Comparison({**fits.trees, "NUTS": chain})
    _summary = three.summary()
    _beta = _summary.xs("beta")
    _error = _beta.loc["NUTS", "mean"] - _beta.loc["grid (exact)", "mean"]
    tell(
        {
            f"nuts_{_quantity}_{_name}": _summary.loc[(_quantity, "NUTS"), _name]
            for _quantity in ("alpha", "beta")
            for _name in ("mean", "sd", "mcse_mean", "mcse_sd", "r_hat")
        }
    )
    _columns = {"mean": "mean", "sd": "sd", "q2.5": "2.5 %", "q97.5": "97.5 %"}
    _figure = plot_overlay(three.trees, "alpha", "beta", units=units)
    _means = ", ".join(f"{mean:.2f} by {label}" for label, mean in _beta["mean"].items())
    _finding = f"Draws of alpha and beta by all three methods. The mean of beta is {_means}."
    mo.vstack(
        [
            beside(
                picture(_figure, _finding, "three"),
                mo.md(
                    markdown_of(
                        _beta.rename(columns=_columns)[list(_columns.values())], corner="beta"
                    )
                ),
            ),
            mo.md(f"""
    NUTS is off by {_error:+.3f} in the mean of beta, with a Monte Carlo standard error of
    {_beta.loc["NUTS", "mcse_mean"]:.3f}: noise, which more draws make smaller. Laplace is off by
    {_beta.loc["Laplace", "mean"] - _beta.loc["grid (exact)", "mean"]:+.2f}, and no number of draws
    will change that. One is an error of sampling, the other of the shape.
    """),
        ]
    )


@app.cell(hide_code=True)
def _(density_of, flat):
    _weak = refit(density_of("weak", "natural"), BOOK)
    _means = [float(f.exact["fit"]["mean"].sel(quantity="beta")) for f in (flat, _weak)]
    _not_so_weak = beta_mean_under(flat, 10, 25)
    tell({"weak_prior_beta_mean": _means[1], "not_so_weak_prior_beta_mean": _not_so_weak})
    answer(
        mo.md(f"""
    NUTS and the grid agree to the Monte Carlo error. The normal approximation errs, and in one
    direction: towards the mode, which is not where the mass is.

    If you give NUTS a proper prior because your software wants one, give it to the grid as well.
    N(0, 100) for both parameters moves the exact mean of beta from {_means[0]:.3f} to
    {_means[1]:.3f}, and N(0, 10), N(0, 25), which also look harmless, to {_not_so_weak:.3f}. That
    is more than any Monte Carlo error here. Beside a flat-prior grid it would look like a fault of
    NUTS.
    """)
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Where next

    `beyond.py`, the second notebook: a hierarchical model whose joint density has no mode at all,
    what to do when the ellipse misses the banana, how to judge an approximation without a grid, and
    a hundred thousand groups.

    *Sources.* A. Gelman, J. B. Carlin, H. S. Stern, D. B. Dunson, A. Vehtari and D. B. Rubin,
    Bayesian Data Analysis, 3rd edition (2013), chapters 3 and 4. A. Racine, A. P. Grieve, H.
    Flühler and A. F. M. Smith, “Bayesian methods in practice: experiences in the pharmaceutical
    industry”, Applied Statistics 35 (1986).
    """)


if __name__ == "__main__":
    app.run()
