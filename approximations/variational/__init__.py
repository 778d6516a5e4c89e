"""Fits that maximise an evidence lower bound: the ascent, and the tree of what it ends at."""
