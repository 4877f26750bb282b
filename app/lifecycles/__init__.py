"""The users' declarations: one file, one lifecycle. Never imported in Lambda, which reads app/compiled."""
