"""Servers that others wrote, for connections to be tested against. Ours is only what configures and watches them."""
