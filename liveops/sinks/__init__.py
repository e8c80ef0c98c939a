"""Where the updates of a run go."""
