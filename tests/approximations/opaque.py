"""Models of an exponential decay, the curve an operation of one's own with few derivatives.

Each is the same posterior as `decay`, which PyTensor differentiates as often as it likes.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node

TIMES = np.linspace(0.0, 5.0, 12)
SEEN = 2 * np.exp(-0.4 * TIMES) + np.random.default_rng(1).normal(0, 0.05, len(TIMES))


def curve(p):
    return p[1] * np.exp(-p[0] * TIMES.astype(p.dtype))


def sensitivities(p):
    fall = np.exp(-p[0] * TIMES.astype(p.dtype))
    return np.stack([-TIMES.astype(p.dtype) * p[1] * fall, fall], axis=1)


class _Numeric(Op):
    """An operation that NumPy performs, in single precision if it is asked for."""

    def __init__(self, dtype="float64"):
        self.dtype = dtype

    def make_node(self, *inputs):
        return Apply(self, [pt.as_tensor(x) for x in inputs], [pt.dvector()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.asarray(self.compute(*(np.asarray(x, self.dtype) for x in inputs)), "f8")


class NoGradient(_Numeric):
    def compute(self, p):
        return curve(p)


class Slopes(_Numeric):
    """The sensitivities, transposed, times a vector: no second derivative."""

    def compute(self, p, g):
        return sensitivities(p).T @ g


class Along(_Numeric):
    """The sensitivities times a vector."""

    def compute(self, p, v):
        return sensitivities(p) @ v


class Curve(NoGradient):
    def pullback(self, inputs, outputs, output_grads):
        return [self.slopes(inputs[0], output_grads[0])]

    def slopes(self, p, g):
        return Slopes(self.dtype)(p, g)

    def grad(self, inputs, output_grads):  # what older versions call
        return self.pullback(inputs, None, output_grads)


class _FailsWhenDifferentiated(Slopes):
    def pullback(self, inputs, outputs, output_grads):
        raise RuntimeError("no second derivative")

    def grad(self, inputs, output_grads):
        return self.pullback(inputs, None, output_grads)


class _HasNone(Slopes):
    def pullback(self, inputs, outputs, output_grads):
        return [grad_not_implemented(self, k, x) for k, x in enumerate(inputs)]

    def grad(self, inputs, output_grads):
        return self.pullback(inputs, None, output_grads)


class _FailsWhenEvaluated(Slopes):
    def pullback(self, inputs, outputs, output_grads):
        return [_Unfinished()(inputs[0]), Along()(inputs[0], output_grads[0])]

    def grad(self, inputs, output_grads):
        return self.pullback(inputs, None, output_grads)


class _Unfinished(_Numeric):
    def compute(self, p):
        raise NotImplementedError("no second derivative")


class _GaussNewton(Slopes):
    """Its second derivative leaves out how the sensitivities change with the parameters."""

    def pullback(self, inputs, outputs, output_grads):
        return [pt.zeros_like(inputs[0]), Along()(inputs[0], output_grads[0])]

    def grad(self, inputs, output_grads):
        return self.pullback(inputs, None, output_grads)


def _with_slopes(name, slopes):
    return type(name, (Curve,), {"slopes": lambda self, p, g: slopes(self.dtype)(p, g)})


FailsWhenDifferentiated = _with_slopes("FailsWhenDifferentiated", _FailsWhenDifferentiated)
HasNone = _with_slopes("HasNone", _HasNone)
FailsWhenEvaluated = _with_slopes("FailsWhenEvaluated", _FailsWhenEvaluated)
GaussNewton = _with_slopes("GaussNewton", _GaussNewton)


class Identity(_Numeric):
    """x -> x, with a gradient and no more."""

    def compute(self, x):
        return x

    def pullback(self, inputs, outputs, output_grads):
        return [_Passed(self.dtype)(output_grads[0])]

    def grad(self, inputs, output_grads):
        return self.pullback(inputs, None, output_grads)


class _Passed(_Numeric):
    def compute(self, g):
        return g


class OnePointOnly(Curve):
    """An operation that cannot be vectorized."""


@_vectorize_node.register(OnePointOnly)
def _refuse(op, node, *batched):
    raise ValueError("one point at a time")


def model_of(operation):
    with pm.Model() as model:
        rate = pm.HalfNormal("rate", 1)
        start = pm.HalfNormal("start", 3)
        pm.Normal("y", operation(pt.stack([rate, start])), 0.05, observed=SEEN)
    return model


def decay():
    return model_of(lambda p: p[1] * pt.exp(-p[0] * TIMES))
