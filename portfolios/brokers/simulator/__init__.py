"""A small spot exchange in the shape of Binance's REST API, for tests, drills and developers: real matching against a
seeded order book, balances, filters, signatures, rate limits, and faults on request. No money is real here."""
