"""How `fit` fares on a model whose posterior is known: what it gives, what it costs, how far off.

`subjects.SUBJECTS` lists the models; `running` measures `fit` and NUTS; `judging` compares with the
truth; `table` has the lines and shares that ``benchmarks/ladder.py`` prints.
"""
