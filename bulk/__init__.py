"""The folder command: submits pictures, shows progress, resumes, reports."""
