"""Tests of the whole bot in one process: real handlers, background tasks, ledger and Valkey, and the simulator."""
