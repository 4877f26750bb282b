"""Other emulators, each in an environment of its own, pinned with hashes beside its module."""
