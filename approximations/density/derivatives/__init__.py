"""Second derivatives where PyTensor has none, and a check of those that it has.

``differences`` takes them from the gradient; ``checking`` compares the two at a mode.
"""
