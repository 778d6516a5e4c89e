"""Compute the numbers that the tests compare with, without tripos: ``make golden``.

Everything is a closed form or adaptive quadrature (QUADPACK, by SciPy); no grid, no draws. The
settings and versions stand beside the values in ``golden.json``.
"""

import json
import math
import platform
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import betaln, expit, gammaln

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Densities are scaled to a peak of about 1. The inner integral must be finer than the outer one.
OUTER = {"epsabs": 1e-10, "epsrel": 1e-9, "limit": 200}
INNER = {"epsabs": 1e-13, "epsrel": 1e-11, "limit": 200}

# Racine et al. (1986); location and sd of (alpha, beta) and their correlation.
DOSES, ANIMALS, DEATHS = (-0.86, -0.30, -0.05, 0.73), 5, (0, 1, 3, 5)
PRIORS = {
    "weak": ((0.0, 100.0), (0.0, 100.0), 0.0),
    "normal": ((0.0, 4.0), (10.0, 10.0), 0.0),
    "normal_variance": ((0.0, math.sqrt(4.0)), (10.0, math.sqrt(10.0)), 0.0),
    "correlated": ((0.0, 2.0), (10.0, 10.0), 0.5),
    "not_so_weak": ((0.0, 10.0), (0.0, 25.0), 0.0),
}
# Beyond these the flat-prior posterior holds less than exp(-50): it falls by exp(-beta / 4) at
# least, and by exp(-5 alpha / 3).
ALPHA, BETA = (-25.0, 40.0), (-60.0, 250.0)
TEXTBOOK_BOX = {"alpha": (-4.0, 8.0), "beta": (-10.0, 40.0)}

WINDSHIELDS = {
    1: (13.357, 14.928, 14.896, 15.297, 14.82, 12.067, 14.824, 13.865, 17.447),
    2: (15.98, 14.206, 16.011, 17.25, 15.993, 15.722, 17.143, 15.23, 15.125, 16.609, 14.735,
        15.881, 15.789),
}  # fmt: skip

EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def integral(function, *ends, precision=OUTER):
    """Integrate over [ends[0], ends[-1]], piece by piece."""
    pieces = (quad(function, low, high, **precision)[0] for low, high in pairwise(ends))
    return math.fsum(pieces)


class Bioassay:
    """Log posterior of (alpha, beta), binomial coefficients included, with its derivatives."""

    def __init__(self, prior=None):
        self.coefficients = sum(math.log(math.comb(ANIMALS, y)) for y in DEATHS)
        self.mean, self.precision, self.prior_constant = np.zeros(2), np.zeros((2, 2)), 0.0
        if prior is not None:
            (m1, s1), (m2, s2), correlation = prior
            covariance = np.array([[s1**2, correlation * s1 * s2], [correlation * s1 * s2, s2**2]])
            self.mean, self.precision = np.array([m1, m2]), np.linalg.inv(covariance)
            self.prior_constant = -math.log(2 * math.pi) - 0.5 * np.linalg.slogdet(covariance)[1]
        # Plain numbers: QUADPACK asks for one point at a time.
        self._m = [float(m) for m in self.mean]
        self._p = [float(self.precision[i]) for i in ((0, 0), (0, 1), (1, 1))]

    def log_density(self, alpha, beta):
        total = self.coefficients + self.prior_constant
        for dose, deaths in zip(DOSES, DEATHS, strict=True):
            eta = alpha + beta * dose
            total += deaths * eta - ANIMALS * (max(eta, 0.0) + math.log1p(math.exp(-abs(eta))))
        a, b = alpha - self._m[0], beta - self._m[1]
        return total - 0.5 * (self._p[0] * a * a + 2 * self._p[1] * a * b + self._p[2] * b * b)

    def gradient(self, theta):
        x, y = np.array(DOSES), np.array(DEATHS)
        residual = y - ANIMALS * expit(theta[0] + theta[1] * x)
        prior = self.precision @ (theta - self.mean)
        return np.array([residual.sum(), residual @ x]) - prior

    def hessian(self, theta):
        x = np.array(DOSES)
        p = expit(theta[0] + theta[1] * x)
        design = np.column_stack([np.ones_like(x), x])
        return -(design.T * (ANIMALS * p * (1 - p))) @ design - self.precision


def laplace(log_density, gradient, hessian, start):
    theta = np.array(start, dtype=float)
    for _ in range(100):
        theta = theta - np.linalg.solve(hessian(theta), gradient(theta))
    assert np.abs(gradient(theta)).max() < 1e-12
    covariance = np.linalg.inv(-hessian(theta))
    sd = np.sqrt(np.diag(covariance))
    return {
        "mode": theta.tolist(),
        "hessian": (-hessian(theta)).tolist(),
        "covariance": covariance.tolist(),
        "sd": sd.tolist(),
        "correlation": covariance[0, 1] / (sd[0] * sd[1]),
        "log_evidence": log_density(*theta)
        + math.log(2 * math.pi)
        + 0.5 * np.linalg.slogdet(covariance)[1],
    }


def laplace_in_log_slope(target):
    """Laplace in (alpha, log beta), the Jacobian term log beta included."""

    def log_density(alpha, log_beta):
        return target.log_density(alpha, math.exp(log_beta)) + log_beta

    def gradient(theta):
        beta = math.exp(theta[1])
        slope = target.gradient(np.array([theta[0], beta]))
        return np.array([slope[0], beta * slope[1] + 1])

    def hessian(theta):
        beta = math.exp(theta[1])
        point = np.array([theta[0], beta])
        slope, curvature = target.gradient(point), target.hessian(point)
        mixed = beta * curvature[0, 1]
        return np.array(
            [[curvature[0, 0], mixed], [mixed, beta**2 * curvature[1, 1] + beta * slope[1]]]
        )

    return laplace(log_density, gradient, hessian, (1.2, 2.3))


def moments(target, box):
    """Evidence, moments and quantiles of (alpha, beta), by quadrature within quadrature."""
    mode = np.array(
        laplace(target.log_density, target.gradient, target.hessian, (0.8, 7.7))["mode"]
    )
    peak = target.log_density(*mode)

    def density(alpha, beta):
        return math.exp(target.log_density(alpha, beta) - peak)

    marginals = {
        "alpha": lambda a: over_line(lambda b: density(a, b), *box["beta"], beta_given(target, a)),
        "beta": lambda b: over_line(lambda a: density(a, b), *box["alpha"], alpha_given(target, b)),
    }
    result, masses = {}, []
    for name, function in marginals.items():
        marginal = cache(function)  # mass, mean and variance ask for the same points
        low, high = box[name]
        centre = mode[list(marginals).index(name)]
        ends = sorted({low, high, *(centre + k * (high - low) / 50 for k in (-3, 0, 3, 10))})
        ends = [end for end in ends if low <= end <= high]
        mass = integral(marginal, *ends)
        mean = integral(lambda x, m=marginal: x * m(x), *ends) / mass
        variance = integral(lambda x, m=marginal, c=mean: (x - c) ** 2 * m(x), *ends) / mass
        masses.append(mass)
        result[name] = {
            "mean": mean,
            "sd": math.sqrt(variance),
            "quantiles": quantiles(marginal, mass, low, mean, math.sqrt(variance) / 2),
        }
    assert abs(masses[0] / masses[1] - 1) < 1e-8, masses
    result["log_evidence"] = peak + math.log(masses[1])
    if box["beta"][0] < 0:
        below = integral(marginals["beta"], box["beta"][0], 0.0)
        result["probability_beta_negative"] = below / masses[1]
    return result


def over_line(function, low, high, peak):
    """Integrate a log-concave function whose peak is known."""
    centre = min(max(peak[0], low), high)
    ends = {low, high, centre, *(centre + k * peak[1] for k in (-40, -8, 8, 40))}
    ends = sorted(end for end in ends if low <= end <= high)
    return integral(function, *ends, precision=INNER)


def alpha_given(target, beta):
    return _conditional_peak(target, lambda a: np.array([a, beta]), 0)


def beta_given(target, alpha):
    return _conditional_peak(target, lambda b: np.array([alpha, b]), 1)


def _conditional_peak(target, point, k):
    peak = brentq(lambda x: target.gradient(point(x))[k], -1e4, 1e4, xtol=1e-6)
    return peak, 1 / math.sqrt(max(-target.hessian(point(peak))[k, k], 1e-4))


def quantiles(marginal, mass, low, start, longest):
    """Solve F(q) = p by Newton's method; F is carried along, so each step integrates little."""
    found, q, below = [], start, integral(marginal, low, start) / mass
    for p in PROBABILITIES:
        for _ in range(60):
            step = (p - below) * mass / marginal(q)
            step = math.copysign(min(abs(step), longest), step)
            below += integral(marginal, q, q + step) / mass
            q += step
            if abs(step) < 1e-10:
                break
        else:
            raise RuntimeError(f"no quantile at {p}")
        found.append(q)
    return found


def ld50_given_positive_slope(target):
    """Quantiles of t = -alpha / beta given beta > 0: p(t) = integral of beta p(-t beta, beta)."""
    peak = target.log_density(0.8465802, 7.7488172)

    def marginal(t):
        def slice_(beta):
            return beta * math.exp(target.log_density(-t * beta, beta) - peak)

        return integral(slice_, 0.0, 2.0, 8.0, 25.0, BETA[1], precision=INNER)

    ends = (-60.0, -5.0, -1.0, -0.3, -0.11, 0.1, 1.0, 5.0, 60.0)
    return quantiles(marginal, integral(marginal, *ends), ends[0], -0.1, 0.05)


def bioassay():
    whole = {"alpha": ALPHA, "beta": BETA}
    flat = Bioassay()
    result = {
        "flat": laplace(flat.log_density, flat.gradient, flat.hessian, (0.8, 7.7)),
        "log_slope": laplace_in_log_slope(flat),
        "log_binomial_coefficients": flat.coefficients,
    }
    exact = moments(flat, whole)
    exact["ld50"] = {"quantiles_given_beta_positive": ld50_given_positive_slope(flat)}
    box = moments(flat, TEXTBOOK_BOX)
    box["mass"] = math.exp(box["log_evidence"] - exact["log_evidence"])
    result["flat"]["exact"], result["flat"]["textbook_box"] = exact, box
    fit = result["flat"]
    result["flat"]["laplace_beta_quantiles"] = (
        stats.norm(fit["mode"][1], fit["sd"][1]).ppf(PROBABILITIES).tolist()
    )
    result["flat"]["laplace_probability_beta_negative"] = float(
        stats.norm(fit["mode"][1], fit["sd"][1]).cdf(0)
    )
    for name, prior in PRIORS.items():
        target = Bioassay(prior)
        result[name] = laplace(target.log_density, target.gradient, target.hessian, (0.8, 7.7))
        result[name]["exact"] = moments(target, whole)
    return result


def globe(water=6, tosses=9):
    """Return the beta posterior, and Laplace in logit p with its Jacobian term p (1 - p)."""
    a, b = water + 1, tosses - water + 1
    exact = stats.beta(a, b)
    log_choose = math.log(math.comb(tosses, water))
    p = a / (a + b)  # the mode of p^a (1 - p)^b, the density of logit p
    sd = 1 / math.sqrt((a + b) * p * (1 - p))
    peak = log_choose + a * math.log(p) + b * math.log(1 - p)
    return {
        "mean": float(exact.mean()),
        "sd": float(exact.std()),
        "quantiles": exact.ppf(PROBABILITIES).tolist(),
        "log_evidence": float(log_choose + betaln(a, b)),
        "laplace": {
            "mode": math.log(p / (1 - p)),
            "sd": sd,
            "log_evidence": peak + 0.5 * math.log(2 * math.pi) + math.log(sd),
        },
    }


def windshield(line):
    """BDA3 section 3.2: mu is t with n - 1 d.f., (n - 1) s^2 / sigma^2 is chi^2 with n - 1."""
    y = np.array(WINDSHIELDS[line])
    n, mean, sum_of_squares = len(y), y.mean(), ((y - y.mean()) ** 2).sum()
    s = math.sqrt(sum_of_squares / (n - 1))
    mu = stats.t(n - 1, mean, s / math.sqrt(n))
    variance = stats.invgamma((n - 1) / 2, scale=sum_of_squares / 2)
    # log sigma = log(sum_of_squares / 2) / 2 - log G / 2 with G gamma of shape (n - 1) / 2.
    log_gamma = stats.loggamma((n - 1) / 2)
    inverse_root = math.exp(gammaln((n - 2) / 2) - gammaln((n - 1) / 2))
    sigma_mean = math.sqrt(sum_of_squares / 2) * inverse_root
    mode = math.log(sum_of_squares / n) / 2
    sds = (math.exp(mode) / math.sqrt(n), 1 / math.sqrt(2 * n))
    peak = -n * (0.5 * math.log(2 * math.pi) + mode) - n / 2
    log_sigma = 0.5 * np.log(variance.ppf(PROBABILITIES))
    return {
        "mu": {
            "mean": float(mean),
            "sd": float(mu.std()),
            "quantiles": mu.ppf(PROBABILITIES).tolist(),
        },
        "log_sigma": {
            "mean": float(0.5 * (math.log(sum_of_squares / 2) - log_gamma.mean())),
            "sd": float(0.5 * log_gamma.std()),
            "quantiles": log_sigma.tolist(),
        },
        "sigma": {
            "mean": float(sigma_mean),
            "sd": float(math.sqrt(variance.mean() - sigma_mean**2)),
            "quantiles": np.exp(log_sigma).tolist(),
        },
        "log_evidence": float(
            -0.5 * (n - 1) * math.log(math.pi)
            - 0.5 * math.log(n)
            - math.log(2)
            + gammaln((n - 1) / 2)
            - 0.5 * (n - 1) * math.log(sum_of_squares)
        ),
        "laplace": {
            "mode": [float(mean), mode],
            "sd": list(sds),
            "sigma_quantiles": np.exp(stats.norm(mode, sds[1]).ppf(PROBABILITIES)).tolist(),
            "log_evidence": peak + math.log(2 * math.pi) + math.log(sds[0]) + math.log(sds[1]),
        },
    }


def eight_schools():
    """Given tau, (mu, theta) is normal: what is left is one integral over log tau."""

    @cache
    def given(tau):
        """Log p(y, log tau), and mean and variance of mu and of theta given tau."""
        weights = 1 / (ERRORS**2 + tau**2)
        variance = 1 / (weights.sum() + 1 / 25)
        mean = variance * (weights @ EFFECTS)
        covariance = np.diag(1 / weights) + 25
        likelihood = stats.multivariate_normal.logpdf(EFFECTS, np.zeros(8), covariance)
        prior = math.log(2 / (5 * math.pi)) - math.log1p((tau / 5) ** 2) + math.log(tau)
        shrink = ERRORS**2 * weights
        theta = shrink * mean + (1 - shrink) * EFFECTS
        spread = (1 - shrink) * ERRORS**2 + shrink**2 * variance
        return likelihood + prior, mean, variance, theta, spread

    def average(function):
        ends = (-25.0, -5.0, 0.0, 2.0, 5.0, 15.0, 30.0)
        return integral(
            lambda u: math.exp(given(math.exp(u))[0] + 30) * function(math.exp(u)), *ends
        )

    mass = average(lambda tau: 1.0)

    def moments_of(mean, variance):
        first = average(lambda tau: mean(tau)) / mass
        second = average(lambda tau: variance(tau) + (mean(tau) - first) ** 2) / mass
        return {"mean": float(first), "sd": math.sqrt(second)}

    return {
        "mu": moments_of(lambda t: given(t)[1], lambda t: given(t)[2]),
        "tau": moments_of(float, lambda t: 0.0),
        "log_tau": moments_of(math.log, lambda t: 0.0),
        "theta": [
            moments_of(lambda t, k=k: given(t)[3][k], lambda t, k=k: given(t)[4][k])
            for k in range(8)
        ],
        "log_evidence": float(math.log(mass) - 30),
    }


def main():
    golden = {
        "settings": {
            "method": "closed forms, and scipy.integrate.quad (nested for the bioassay)",
            "outer_integral": OUTER,
            "inner_integral": INNER,
            "bioassay_range": {"alpha": ALPHA, "beta": BETA},
            "probabilities": PROBABILITIES,
        },
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
        "bioassay": bioassay(),
        "globe": globe(),
        "windshield": {line: windshield(line) for line in WINDSHIELDS},
        "eight_schools": eight_schools(),
    }
    path = Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
