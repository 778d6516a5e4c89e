"""What a verdict rests on: discrepancies with their errors, judgements, and whom to distrust.

``sides`` puts two trees side by side, ``discrepancy`` measures them, ``judging`` judges; ``judges``
says who judges whom, ``chains`` and ``distrust`` who should not.
"""
