"""The scenarios of each SDK run in an environment of their own, not in this one: see test_sdks.py."""

collect_ignore_glob = ["v2/*", "v3/*"]
