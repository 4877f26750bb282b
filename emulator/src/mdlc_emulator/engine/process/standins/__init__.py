"""Light modules that take the place of LocalStack modules which cost much at start and do nothing here.

Each file's docstring says which module it replaces and why that is sound; `imports.py` puts them in place.
"""
