"""What runs inside the emulator's process: LocalStack, and our services plugged into it.

Only the private environment can import this package; the launcher starts it as a process.
"""
