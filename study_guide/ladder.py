"""The cheapest that can be trusted: ask for what matters, and climb until an answer will do.

A marimo notebook: ``marimo edit`` or ``marimo run`` opens it, ``python`` runs it once and prints
its numbers.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The cheapest that can be trusted")


with app.setup(hide_code=True):
    import marimo as mo
    from page_parts import picture
    from rungs import climbed, numbers_of, where_it_ended
    from running import note_of_copy, tell
    from tables import markdown_of

    from tripos.approximations import LogDensity
    from tripos.comparisons import Comparison, Tolerances, fit
    from tripos.comparisons.exercise import UNITS
    from tripos.comparisons.pictures.marginals import plot_marginals
    from tripos.models import bioassay, eight_schools


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The cheapest that can be trusted

    The first two notebooks, `normal_approximation.py` and `beyond.py`, took one method after the
    other and looked at what each got wrong. Here the computer does that. You say which quantities
    matter, and how exact they must be; `fit` tries the methods, cheap ones first, and stops at the
    first that it can **accept**.

    What is accepted depends on what kind of answer a method gives.

    - An **approximation**, such as Laplace's normal distribution, is another distribution than the
      posterior, and more draws bring it no closer. It is judged by its *distance*: how far the mean
      is off, in standard deviations; how wrong the standard deviation is; how much of the posterior
      its 50 and 95 % intervals hold. Weighted draws measure that, without MCMC.
    - An answer that is **exact up to Monte Carlo error**, such as weighted draws or NUTS, has the
      posterior as its limit. It is judged by *its own diagnostics* (Pareto's $\hat k$ and the
      effective sample size of weights, R-hat and divergences of chains), and by *its Monte Carlo
      error* for what was asked. That it lies a little beside another sample is only noise.

    ## The bioassay, asked for two numbers

    ```python
    from tripos.comparisons import Tolerances, fit
    answer = fit(bioassay(), var_names=["alpha", "beta"], random_seed=1)
    print(answer.attrs["method"], answer["ladder"]["why"].values)
    ```

    The group `ladder` of the tree holds what was tried, and why it was accepted or not:
    """)


@app.cell(hide_code=True)
def _():
    bananas = LogDensity(bioassay(), linker="numpy")
    answer = fit(bananas, var_names=["alpha", "beta"], random_seed=1, progressbar=False)
    _summary = Comparison({"accepted": answer}).summary().xs("accepted", level="label")
    tell(
        numbers_of(answer, "bioassay")
        | {"beta_mean": _summary.at["beta", "mean"], "beta_error": _summary.at["beta", "mcse_mean"]}
    )
    _columns = {"mean": "mean", "mcse_mean": "its error", "sd": "sd", "mcse_sd": "error of sd"}
    _table = _summary.loc[["alpha", "beta"]].rename(columns=_columns)[list(_columns.values())]
    mo.md(f"""
    {climbed(answer)}

    {where_it_ended(answer)}

    {markdown_of(_table, digits=3)}

    The posterior leans to the right and the normal distribution cannot; reflecting its draws mends
    most of the mean and leaves the tail too short. The verdict on the first rung had already
    weighted some thousand draws, to have something to measure with. Where those weights can be
    trusted they are an answer themselves.
    """)
    return answer, bananas


@app.cell(hide_code=True)
def _():
    exactness = mo.ui.dropdown(
        {"a tenth of an sd": 0.1, "half an sd": 0.5, "one sd": 1.0},
        value="one sd",
        label="A mean may be off by",
    )
    mo.vstack(
        [
            mo.md(r"""
    ## Ask for less

    An answer for a rough plan need not be exact: is it tens or hundreds? Let the mean be off by a
    whole standard deviation, and the standard deviation by as much:

    ```python
    loose = Tolerances(mean=1.0, sd=1.0, mass=0.3)
    rough = fit(bioassay(), tolerance=loose, var_names=["alpha", "beta"], random_seed=1)
    print(rough.attrs["method"], rough["ladder"]["why"].values)
    ```
    """),
            mo.md(note_of_copy()),
            exactness,
        ]
    )
    return (exactness,)


@app.cell(hide_code=True)
def _(answer, bananas, exactness):
    _off = exactness.value
    rough = fit(
        bananas,
        tolerance=Tolerances(mean=_off, sd=_off, mass=0.3 * _off),
        var_names=["alpha", "beta"],
        random_seed=1,
        progressbar=False,
    )
    tell(numbers_of(rough, "rough"))
    _trees = {"accepted by default": answer, f"accepted within {exactness.selected_key}": rough}
    _finding = (
        "Densities of alpha and beta, as accepted by default and as accepted within the chosen "
        "tolerance. With a loose one the answer is a symmetric curve, left of the other."
    )
    mo.vstack(
        [
            mo.md(f"{climbed(rough)}\n\n{where_it_ended(rough)}"),
            picture(plot_marginals(_trees, ["alpha", "beta"], UNITS), _finding, "rough"),
        ]
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A model that ends higher

    The eight schools of `beyond.py`, in the coordinates in which their density has no mode. What
    stands on a mode cannot be had, whatever the tolerance:

    ```python
    from tripos.models import eight_schools
    schools = fit(eight_schools(centred=True), var_names=["mu", "tau"], random_seed=1)
    print(schools.attrs["method"], schools["ladder"]["why"].values)
    ```
    """)


@app.cell(hide_code=True)
def _():
    _density = LogDensity(eight_schools(centred=True))
    schools = fit(_density, var_names=["mu", "tau"], random_seed=1, progressbar=False)
    _summary = Comparison({"accepted": schools}).summary().xs("accepted", level="label")
    tell(
        numbers_of(schools, "schools")
        | {"mu_mean": _summary.at["mu", "mean"], "mu_error": _summary.at["mu", "mcse_mean"]}
    )
    mo.md(f"""
    {climbed(schools)}

    {where_it_ended(schools)}

    One rung said why there is no mode, and those that need one are refused at no cost. With
    `centred=False` there is one, where hardly any mass is: the ladder then ends sooner, and the
    first rungs are refused for their distance.
    """)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When nothing is accepted

    Nothing is thrown away. `fit` returns the best tree that it has, marked by
    `tree.attrs["accepted"] = 0`, and warns of what is the matter with which quantities and what to
    do; with `strict=True` it raises `NoTrustedMethodError` instead, which holds the tree.

    What no rung sees is a mode that no search has found, or a model that is wrong. *Accepted* means
    close to the posterior of the model that you wrote, and nothing more.

    The command line does the same: `tripos fit my_file.py:build --ask alpha,beta`.
    """)


if __name__ == "__main__":
    app.run()
