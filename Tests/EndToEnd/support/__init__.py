"""What the end-to-end tests share. Nothing here asserts; the tests do."""
