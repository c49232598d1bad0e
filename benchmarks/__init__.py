"""Speed of one small marketing funnel in several simulation engines; run `python -m benchmarks.engines`."""
