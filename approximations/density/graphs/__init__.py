"""A model as compiled graphs over one vector; data and starting points given by name.

``parameters`` lays the vector out, ``symbolic`` builds the graphs: ``lifting`` takes data out of
them, ``hoisting`` what depends on data alone, ``guards`` needless checks. ``functions`` has them
compiled on demand by ``compiling``, fast in NumPy by ``numpy_rewrites``, in Numba by ``logistic``.
"""
