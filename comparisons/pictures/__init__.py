"""Pictures, one a file, in one ``style``."""
