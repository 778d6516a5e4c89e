"""Work is counted from what is done: entries, operations, and every turn of a loop in Python."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph

from tripos.approximations.density.graphs.work import SECONDS_PER_OPERATION, CountingLinker


def _seconds(inputs, output, *arguments):
    linker = CountingLinker()
    function = pytensor.function(inputs, output, mode=Mode(linker=linker, optimizer=None))
    expected = function(*arguments)
    result, seconds = linker.counted(lambda: function(*arguments))
    np.testing.assert_array_equal(result, expected)
    # A call that is not counted goes as before.
    np.testing.assert_array_equal(function(*arguments), expected)
    return seconds, linker.operations


def test_entries_of_long_arrays():
    x = pt.vector("x")
    short, operations = _seconds([x], pt.exp(x), np.zeros(1))
    assert short == pytest.approx(operations * SECONDS_PER_OPERATION, rel=0.01)
    long, twice = (_seconds([x], pt.exp(x), np.zeros(n))[0] for n in (10**6, 2 * 10**6))
    assert twice - short == pytest.approx(2 * (long - short), rel=1e-3)


def _sums(sequence):
    """The running sums of a sequence, step by step."""
    return pytensor.scan(
        lambda x, before: before + x,
        sequences=[sequence],
        outputs_info=[pt.zeros(())],
        return_updates=False,
    )


@pytest.mark.parametrize("rows", [1, 5])
def test_steps_of_a_scan_and_rows_of_a_batch(rows):
    x, many = pt.vector("x"), pt.matrix("many")
    batch = vectorize_graph(_sums(x), {x: many})
    few, _ = _seconds([many], batch, np.ones((rows, 100)))
    more, _ = _seconds([many], batch, np.ones((rows, 1100)))
    # An addition a step and row, besides the entries of the two arrays.
    assert more - few == pytest.approx(rows * 1000 * SECONDS_PER_OPERATION, rel=0.1)


def test_rows_of_a_loop():
    x, many = pt.vector("x"), pt.matrix("many")
    loop = vectorize_graph(pt.repeat(x, 2), {x: many})
    one, _ = _seconds([many], loop, np.ones((1, 2)))
    hundred, _ = _seconds([many], loop, np.ones((101, 2)))
    assert hundred - one >= 100 * SECONDS_PER_OPERATION
