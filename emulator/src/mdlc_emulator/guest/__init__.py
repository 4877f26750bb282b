"""What runs inside function processes: standard library only, Python 3.10 and newer.

Function processes never see this package by its name: the zygote is started by the path of its file, by an
isolated interpreter, and its siblings are taken off the module path again before a function's code is
imported.
"""
