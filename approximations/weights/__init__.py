"""Importance weights: proposals around a mode, draws with smoothed weights, and mass they miss.

``weighting`` chooses and adapts a proposal; ``pairs`` and ``smoothing`` assess its weights.
"""
