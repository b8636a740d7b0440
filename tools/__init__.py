"""What tests and benchmarks need beside the package itself; never installed with it."""
