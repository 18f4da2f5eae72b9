"""Measures of an evaluation, one kind of question a module."""
