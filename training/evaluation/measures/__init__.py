"""The measures of an evaluation, each a module."""
