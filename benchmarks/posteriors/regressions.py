"""Linear, robust, logistic, probit and multinomial regressions, on real data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm

from .datasets import columns, from_sklearn, from_statsmodels, standardised, thinned, with_intercept
from .posterior import Nuts, Posterior, row

LONGLEY = ("GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR")
STACKLOSS = ("AIRFLOW", "WATERTEMP", "ACIDCONC")
SPECTOR = ("GPA", "TUCE", "PSI")
FAIR = ("age", "yrs_married", "children", "religious", "educ", "rate_marriage")


def linear(predictors: np.ndarray, outcome: np.ndarray) -> pm.Model:
    """Linear regression with unknown noise, the outcome standardised."""
    design = with_intercept(standardised(predictors))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.0, shape=design.shape[1])
        sigma = pm.HalfNormal("sigma", 2.0)
        pm.Normal("y", x @ b, sigma, observed=standardised(outcome))
    return model


def linear_diabetes() -> pm.Model:
    return linear(*from_sklearn("diabetes"))


def linear_longley() -> pm.Model:
    return linear(columns("longley", *LONGLEY), columns("longley", "TOTEMP")[:, 0])


def linear_stackloss() -> pm.Model:
    return linear(columns("stackloss", *STACKLOSS), columns("stackloss", "STACKLOSS")[:, 0])


def badly_scaled() -> pm.Model:
    """Longley's data with units that no one should choose: sds from about 1e-4 to 1e4."""
    predictors = standardised(columns("longley", "GNP", "UNEMP", "ARMED"))
    design = with_intercept(predictors * np.array([1e4, 1.0, 1e-4]))
    outcome = standardised(columns("longley", "TOTEMP")[:, 0])
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, np.array([2.0, 2e-4, 2.0, 2e4]), shape=4)
        sigma = pm.HalfNormal("sigma", 2.0)
        pm.Normal("y", x @ b, sigma, observed=outcome)
    return model


def robust_stackloss() -> pm.Model:
    """Student t noise with unknown degrees of freedom, on 21 observations."""
    design = with_intercept(standardised(columns("stackloss", *STACKLOSS)))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.0, shape=4)
        sigma = pm.HalfNormal("sigma", 1.0)
        nu = pm.Gamma("nu", 2.0, 0.1)
        outcome = standardised(columns("stackloss", "STACKLOSS")[:, 0])
        pm.StudentT("y", nu=nu, mu=x @ b, sigma=sigma, observed=outcome)
    return model


def robust_engel() -> pm.Model:
    """Food expenditure on income, both in logs: t noise with 4 degrees of freedom."""
    income, food = np.log(columns("engel", "income", "foodexp")).T
    with pm.Model() as model:
        x = pm.Data("x", income - income.mean())
        b = pm.Normal("b", 0.0, 5.0, shape=2)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.StudentT("y", nu=4.0, mu=b[0] + b[1] * x, sigma=sigma, observed=food)
    return model


def uneven_engel() -> pm.Model:
    """The same with normal noise whose log sd is linear in log income."""
    income, food = np.log(columns("engel", "income", "foodexp")).T
    with pm.Model() as model:
        x = pm.Data("x", income - income.mean())
        b = pm.Normal("b", 0.0, 5.0, shape=2)
        g = pm.Normal("g", 0.0, 2.0, shape=2)
        pm.Normal("y", b[0] + b[1] * x, pm.math.exp(g[0] + g[1] * x), observed=food)
    return model


def logistic(predictors: np.ndarray, outcome: np.ndarray, prior_sd: float) -> pm.Model:
    """Logistic regression, with the probability at the mean of the predictors."""
    design = with_intercept(standardised(predictors))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, prior_sd, shape=design.shape[1])
        pm.Bernoulli("y", logit_p=x @ b, observed=np.asarray(outcome, dtype=int))
        pm.Deterministic("p_at_mean", pm.math.sigmoid(b[0]))
    return model


def logistic_spector() -> pm.Model:
    table = from_statsmodels("spector")
    return logistic(columns("spector", *SPECTOR), table["GRADE"], 5.0)


def logistic_iris() -> pm.Model:
    """Versicolor against virginica: nearly separated, so the prior holds the posterior."""
    predictors, species = from_sklearn("iris")
    return logistic(predictors[species > 0], species[species > 0] == 2, 5.0)


def logistic_breast_cancer() -> pm.Model:
    """Five predictors that overlap."""
    predictors, outcome = from_sklearn("breast_cancer")
    return logistic(predictors[:, [0, 1, 4, 5, 8]], outcome, 2.5)


def logistic_fair() -> pm.Model:
    """Affairs, 1,000 of the 6,366 wives."""
    table = from_statsmodels("fair")
    rows = thinned(len(table["affairs"]), 1000)
    return logistic(columns("fair", *FAIR)[rows], table["affairs"][rows] > 0, 2.5)


def probit_spector() -> pm.Model:
    table = from_statsmodels("spector")
    design = with_intercept(standardised(columns("spector", *SPECTOR)))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.0, shape=4)
        pm.Bernoulli("y", p=pm.math.invprobit(x @ b), observed=table["GRADE"].astype(int))
    return model


def multinomial_wine() -> pm.Model:
    """Three cultivars by alcohol, ash and hue: softmax with the first as reference."""
    predictors, cultivar = from_sklearn("wine")
    design = with_intercept(standardised(predictors[:, [0, 2, 10]]))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.5, shape=(4, 2))
        scores = pm.math.concatenate([np.zeros((len(design), 1)), x @ b], axis=1)
        pm.Categorical("y", logit_p=scores, observed=cultivar)
    return model


def _row(build: Callable[[], pm.Model], description: str, **recipe: float) -> Posterior:
    return row(build, "regression", description, Nuts(**recipe))


REGRESSIONS = (
    _row(linear_diabetes, "linear, 442 patients, 11 coefficients and sigma", target_accept=0.8),
    _row(linear_longley, "linear, 16 years, collinear predictors", target_accept=0.98),
    _row(linear_stackloss, "linear, 21 days"),
    _row(badly_scaled, "linear, units that make sds of 1e-4 and 1e4 meet"),
    _row(robust_stackloss, "t noise, degrees of freedom unknown, 21 days"),
    _row(robust_engel, "t noise with 4 degrees of freedom, 235 households"),
    _row(uneven_engel, "noise that grows with income, 235 households"),
    _row(logistic_spector, "logistic, 32 students"),
    _row(logistic_iris, "logistic, nearly separated"),
    _row(logistic_breast_cancer, "logistic, 569 patients, 5 predictors"),
    _row(logistic_fair, "logistic, 1,000 wives", target_accept=0.8),
    _row(probit_spector, "probit, 32 students"),
    _row(multinomial_wine, "multinomial logistic, 178 wines, 3 cultivars"),
)
