"""What holds for every test."""

from hypothesis import settings

# A law is not false because the machine was busy: time is measured by benchmarks.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
