"""Doors to the outside: each module holds a protocol, its AWS adapter and an in-memory fake of the same
protocol."""
