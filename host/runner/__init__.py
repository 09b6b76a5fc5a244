"""One call in a process of its own: its life, its limits, its end, and taking one over."""
