"""Models whose Hessian is mostly zero, small enough to have it dense as well."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt


def hierarchical(groups=8, each=3, group=None, predictors=2):
    """Varying intercepts with a hyperparameter for mean and scale, and fixed effects."""
    group = np.repeat(np.arange(groups), each) if group is None else np.asarray(group)
    rng = np.random.default_rng(1)
    with pm.Model() as model:
        index = pm.Data("group", group)
        mu, tau = pm.Normal("mu", 0, 1), pm.HalfNormal("tau", 1)
        beta = pm.Normal("beta", 0, 1, shape=predictors)
        effect = pm.Normal("effect", mu, tau, shape=groups)
        x = rng.standard_normal((len(group), predictors))
        logit = effect[index] + pt.dot(x, beta)
        pm.Bernoulli("y", logit_p=logit, observed=rng.integers(0, 2, len(group)))
    return model


def crossed(persons=7, items=4):
    """Two crossed effects, each person with two items."""
    person = np.tile(np.arange(persons), 2)
    item = (person + np.repeat([0, 1], persons)) % items
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1, shape=2)
        ability = pm.Normal("ability", 0, scale[0], shape=persons)
        ease = pm.Normal("ease", 0, scale[1], shape=items)
        pm.Bernoulli("y", logit_p=ability[person] + ease[item], observed=person % 2)
    return model


def random_walk(steps=9):
    """A latent random walk, its steps written out."""
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1)
        level = pm.Flat("level", shape=steps)
        pm.Potential("steps", pm.logp(pm.Normal.dist(0, sigma), level[1:] - level[:-1]).sum())
        pm.Poisson("y", pt.exp(level), observed=np.arange(steps))
    return model


def gaussian_random_walk(steps=9):
    """The same with PyMC's own distribution."""
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1)
        first = pm.Normal.dist(0, 2)
        level = pm.GaussianRandomWalk("level", sigma=sigma, init_dist=first, shape=steps)
        pm.Poisson("y", pt.exp(level), observed=np.arange(steps))
    return model


def autoregression(steps=9):
    """A latent AR(2) process with known coefficients."""
    with pm.Model() as model:
        first = pm.Normal.dist(0, 1, shape=2)
        level = pm.AR("level", rho=[0.5, -0.3], sigma=0.7, init_dist=first, shape=steps)
        pm.Poisson("y", pt.exp(level), observed=np.arange(steps))
    return model


def varying_slopes(groups=6, each=2):
    """Two effects a group, correlated by a factor that all groups share."""
    group = np.repeat(np.arange(groups), each)
    with pm.Model() as model:
        sds = pm.Exponential.dist(1.0, shape=2)
        factor, _, _ = pm.LKJCholeskyCov("factor", n=2, eta=2.0, sd_dist=sds)
        z = pm.Normal("z", 0, 1, shape=(groups, 2))
        effect = pt.dot(z, factor.T)
        mean = effect[group, 0] + effect[group, 1] * np.linspace(-1, 1, len(group))
        pm.Normal("y", mean, 0.7, observed=np.cos(group))
    return model


def centred_slopes(groups=6, each=2):
    """The same, centred: a multivariate normal for each group."""
    group = np.repeat(np.arange(groups), each)
    with pm.Model() as model:
        sds = pm.Exponential.dist(1.0, shape=2)
        factor, _, _ = pm.LKJCholeskyCov("factor", n=2, eta=2.0, sd_dist=sds)
        effect = pm.MvNormal("effect", np.zeros(2), chol=factor, shape=(groups, 2))
        mean = effect[group, 0] + effect[group, 1] * np.linspace(-1, 1, len(group))
        pm.Normal("y", mean, 0.7, observed=np.cos(group))
    return model


def banded_product(size=9):
    """A product with a dense constant matrix of few nonzeros."""
    band = np.eye(size) + np.diag(np.ones(size - 1), 1)
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1, shape=size)
        pm.Poisson("y", pt.exp(pt.dot(band, a)), observed=np.arange(size))
    return model


def scanned(steps=5):
    """A Scan, of which nothing is known, beside effects that it does not touch."""
    with pm.Model() as model:
        rate, effect = pm.Normal("rate", 0.5, 0.3), pm.Normal("effect", 0, 1, shape=steps)
        path = pytensor.scan(
            lambda x, g: x * g + 0.1,
            outputs_info=[pt.as_tensor(0.3)],
            non_sequences=[rate],
            n_steps=steps,
            return_updates=False,
        )
        pm.Normal("y", path, 0.8, observed=np.arange(steps) / 3.0)
        pm.Poisson("count", pt.exp(effect), observed=np.arange(steps))
    return model


def network(inputs=4, hidden=5):
    """A neural network: dense."""
    x = np.random.default_rng(2).standard_normal((12, inputs))
    with pm.Model() as model:
        first = pm.Normal("first", 0, 1, shape=(inputs, hidden))
        second = pm.Normal("second", 0, 1, shape=hidden)
        output = pt.dot(pt.tanh(pt.dot(x, first)), second)
        pm.Bernoulli("y", logit_p=output, observed=np.arange(12) % 2)
    return model


def stacked_blocks(size=5):
    """Stacking, joining, transposing, setting, sums along one axis, simplices."""
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1, shape=(size, 3))
        b, c = pm.Normal("b", 0, 1, shape=size), pm.Gamma("c", 2, 1, shape=size)
        p = pm.Dirichlet("p", np.ones((size, 3)))
        joined = pt.concatenate([pt.stack([b, c], axis=1), a], axis=1)
        changed = pt.set_subtensor(joined[1:, 0], pt.exp(a.T[0, :-1]))
        pm.Normal("sums", (changed**2).sum(axis=1), 0.5, observed=np.ones(size))
        pm.Normal("most", (a * p).max(axis=1), c, observed=np.ones(size))
        pm.Normal("all", pt.tanh(b[::-1]), 0.5, observed=np.ones(size))
    return model


def zero_sum(groups=6):
    with pm.Model() as model:
        effect = pm.ZeroSumNormal("effect", 1.0, shape=groups)
        pm.Poisson("y", pt.exp(effect), observed=np.arange(groups))
    return model


def neighbours(places=10):
    """Differences of neighbours on a ring, as in an ICAR prior."""
    one, other = np.arange(places), (np.arange(places) + 1) % places
    with pm.Model() as model:
        field = pm.Normal("field", 0, 2, shape=places)
        pm.Potential("smooth", -0.5 * ((field[one] - field[other]) ** 2).sum())
        pm.Poisson("y", pt.exp(field), observed=np.arange(places))
    return model


def cumulated(groups=4, steps=3):
    """Sums along an axis, one after the other, within groups."""
    with pm.Model() as model:
        step = pm.Normal("step", 0, 1, shape=(groups, steps))
        level = step.cumsum(axis=1)
        pm.Poisson("y", pt.exp(level), observed=np.arange(groups * steps).reshape(groups, steps))
    return model


EXACT = {
    build.__name__: build
    for build in (hierarchical, crossed, random_walk, gaussian_random_walk, autoregression,
                  varying_slopes, banded_product, neighbours, scanned, cumulated)
}  # fmt: skip
OTHERS = {build.__name__: build for build in (centred_slopes, network, stacked_blocks, zero_sum)}
