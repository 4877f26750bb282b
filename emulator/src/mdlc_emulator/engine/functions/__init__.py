"""Lambda: function processes and their Runtime API, and the invocation path above them."""
