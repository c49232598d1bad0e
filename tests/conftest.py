"""Settings of all tests: examples that Hypothesis draws are the same in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sandtable", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sandtable")
