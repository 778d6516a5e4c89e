"""The steps of a calibration: simulate, fit, rank, and say what the ranks show."""
