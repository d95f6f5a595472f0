"""OAuth servers that others wrote, each run by a process of its own. Ours is only what configures and watches them."""
