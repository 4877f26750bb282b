"""The engine as a process: what it is handed at birth, how it says that it is ready, how it ends."""
