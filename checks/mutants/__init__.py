"""`make mutants`: changes the code in small ways, one at a time, and lists the changes that no fast test notices.

The changed code is called a mutant. A mutant that a test notices is killed, the others survive. Each surviving mutant
is a missing test, or it is equivalent: it does the same as the original. `equivalent.toml` lists those, with reasons.
"""
