"""The funnel of `benchmarks.funnel`, written once for each engine."""
