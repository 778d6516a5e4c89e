"""The parts of a suite: its file, its grid of cells, the processes that run them, and their store.

``process`` starts a ``child``, which does the ``work`` of one cell after another.
"""
