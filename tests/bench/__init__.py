"""Benchmarks: what a step, a whole action and a growing story cost beside a bare commit in the same run."""
