"""What a verdict rests on: discrepancies with their errors, and judgements.

``sides`` puts two trees side by side, ``discrepancy`` measures them, ``judging`` judges, and
``result`` holds what was found; ``judges`` says who judges whom.
"""
