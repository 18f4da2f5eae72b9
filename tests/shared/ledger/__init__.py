"""Tests of `shared.ledger`."""
