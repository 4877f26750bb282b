"""The process that stands above an engine: adopts what it leaves behind, and removes it. Standard library
only.

Started as `python -I -S <this directory>`, hence small: it imports neither the launcher nor anything
installed.
"""
