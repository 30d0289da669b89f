"""A question to the books whose only right answer is an empty table."""

Question = tuple[str, str, str]
"""Name, what it promises, and the query for the rows (what, how much) that break it."""
