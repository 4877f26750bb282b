"""The model registry: model packages, their groups and versions, and who approved them."""
