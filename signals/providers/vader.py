"""VADER (Hutto & Gilbert 2014) as a scorer of news: a fixed word list and rules, so the same text has the same tone."""

from importlib.metadata import version


class Vader:
    """The compound score of VADER, which costs about 0.1 ms a headline."""

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self._analyzer = SentimentIntensityAnalyzer()
        self.name = f"vader-{version('vaderSentiment')}"

    def score(self, text: str) -> float:
        """Tone from −1 to 1."""
        return float(self._analyzer.polarity_scores(text)["compound"])
