"""The search for a mode, and for several: its start, its steps, and why it ended without one.

`find_mode` starts as ``starting`` says and takes the steps of ``trust_region``; ``no_mode`` says
why it failed. `find_modes` goes ``exploring`` from many ``starts``.
"""
