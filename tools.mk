# Versions of tools that are no dependency of anything, and so stand in no lock file.
CARGO_DENY_VERSION := 0.20.2
