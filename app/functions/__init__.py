"""Entry points only: routes, stream consumers, workflow steps, schedules. Thin, over plain functions
elsewhere."""
