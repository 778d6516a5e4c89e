"""Plain calls of NumPy give what PyTensor's own operations give."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, strategies as st
from pytensor.compile.mode import Mode

from tripos.approximations.density.graphs.numpy_calls import NumpyCall, both, choose
from tripos.approximations.density.graphs.numpy_rewrites import FOR_NUMPY

_SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=2, max_side=3)


@given(shapes=_SHAPES, data=st.data())
def test_choose_is_where(shapes, data):
    shapes = shapes.input_shapes
    condition = data.draw(hnp.arrays(bool, shapes[0]))
    yes, no = (data.draw(hnp.arrays(float, shape, elements=st.floats())) for shape in shapes[1:])
    chosen, expected = choose(condition, yes, no), np.where(condition, yes, no)
    np.testing.assert_array_equal(chosen, expected)
    assert chosen.dtype == expected.dtype


@pytest.mark.parametrize("verdict", [True, False])
def test_choose_gives_the_wider_type(verdict):
    chosen = choose(np.full(3, verdict), np.arange(3, dtype="float32"), np.zeros(3))
    assert chosen.dtype == "float64"


@given(shapes=_SHAPES, data=st.data())
def test_both_is_and(shapes, data):
    one, other = (data.draw(hnp.arrays(bool, shape)) for shape in shapes.input_shapes[:2])
    np.testing.assert_array_equal(both(one, other), np.logical_and(one, other))


def _compiled(inputs, output, *, plain):
    mode = Mode(linker="py", optimizer="fast_run").excluding("fusion", "inplace", "BlasOpt")
    mode = mode.including(FOR_NUMPY) if plain else mode
    return pytensor.function(inputs, output, mode=mode, on_unused_input="ignore")


x, y, count = pt.vector("x"), pt.vector("y"), pt.ivector("count")


@pytest.mark.parametrize(
    "output",
    [
        x + y + x * y * count,
        pt.switch(x > 0, y, -np.inf),
        pt.sqrt(count) + pt.log(count + 1),
        pt.eq(-x, -1.0) | (y < 0),
        pt.gammaln(count + 1) * pt.sigmoid(x) / pt.exp(y),
        pt.cast(x, "int64") // 2 + count % 2,
    ],
    ids=str,
)
def test_calls_agree_with_pytensor(output):
    values = np.array([1.0, -0.3, 2.5]), np.array([0.2, -1.0, 0.7]), np.array([0, 3, 8], "int32")
    slow, fast = (_compiled([x, y, count], output, plain=plain) for plain in (False, True))
    np.testing.assert_allclose(fast(*values), slow(*values), rtol=1e-15)
    assert fast(*values).dtype == slow(*values).dtype
    assert any(isinstance(node.op, NumpyCall) for node in fast.maker.fgraph.apply_nodes)
