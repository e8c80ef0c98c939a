"""Following, in a terminal, an operation that runs in any process."""
