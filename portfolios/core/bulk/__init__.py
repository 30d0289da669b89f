"""Dealing of very many portfolios at once: whole numbers in arrays, exact to the last base unit (ADR 9).

Arrays are int64: [portfolio] micro-dollars, [asset x portfolio] micro-dollars or base units, so that what is summed
over assets and what is split over portfolios both run along memory. They come in blocks of portfolios, which are
planned, traded and stored each by itself.
"""
