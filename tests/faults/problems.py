"""What the harness says when something does not hold."""


class Broken(AssertionError):
    """Something that must hold does not."""
