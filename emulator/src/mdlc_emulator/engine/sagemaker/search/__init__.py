"""Search: resources by what they say of themselves."""
