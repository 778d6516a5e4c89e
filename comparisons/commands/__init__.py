"""The commands of ``tripos``, each from its target to files and printed results."""
