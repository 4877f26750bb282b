"""What runs first inside a container: it makes the place, starts the command, and watches over it.

Standard library only, and no syntax younger than Python 3.10.
"""
