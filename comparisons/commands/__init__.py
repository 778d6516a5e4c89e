"""What each command of ``tripos`` does, from its target to files and a few words."""
