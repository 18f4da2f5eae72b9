"""The folder command: submits the images of a folder, shows progress, resumes, writes results and a report."""
