"""Benchmarks: what the hot paths cost, as ratios against floors measured in the same run. `make bench` runs them all."""
