"""The books of personal portfolios: read, planned, traded through their nominee, and written, block by block."""
