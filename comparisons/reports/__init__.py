"""The sections of a report: tables, pictures and words for the HTML of ``templates``."""
