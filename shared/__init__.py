"""The contract that all rooms sign: settings, jobs and decisions, ledger, picture store, picture rules, artefact."""
