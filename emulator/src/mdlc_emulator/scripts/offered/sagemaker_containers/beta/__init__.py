"""Its stable part."""
