"""What is asked of every emulator in turn, by the same client code."""
