"""Two plain sentences, word for word."""

import numpy as np
import pytest

from signals.core.grading.facts import fact
from signals.core.grading.sentences import Themes
from signals.core.model import per_token

GOOD, BAD = ", which has gone with better weeks.", ", which has gone with weaker weeks."
NAMES = ("vol_30d", "idio_vol_90", "ret_28d", "vol_shock_7_90", "log_mcap")


def told(contributions, ranks, *, up=True):
    return Themes(NAMES).sentences(np.array(contributions), np.array(ranks), up=up)


@pytest.mark.parametrize("name", per_token(wide=True))
def test_every_feature_of_the_model_has_words(name):
    known = fact(name)
    assert known.more != known.less
    for words in (known.more, known.less):
        assert words[0].isupper()
        assert not words.endswith((".", " "))


def test_the_strongest_theme_comes_first_and_what_speaks_against_it_second():
    assert told([0.2, 0.1, 0.05, -0.1, 0.0], [-0.4, -0.3, 0.1, 0.3, 0.0]) == [
        "Its price has been steadier than nine in ten graded tokens over 30 days" + GOOD,
        "Against that: its trading volume has picked up more than eight in ten graded tokens over 90 days"
        + BAD,
    ]


def test_a_low_grade_begins_with_what_lowers_it():
    assert told([-0.2, 0.0, 0.05, 0.0, 0.0], [0.5, 0.0, -0.25, 0.0, 0.0], up=False) == [
        "Its price has swung more than nine in ten graded tokens over 30 days" + BAD,
        "Against that: it has risen less than eight in ten graded tokens over 28 days" + GOOD,
    ]


def test_where_nothing_speaks_against_the_second_theme_is_told():
    assert told([0.2, 0.0, 0.01, 0.02, 0.1], [-0.5, 0.0, 0.1, -0.1, 0.45]) == [
        "Its price has been steadier than nine in ten graded tokens over 30 days" + GOOD,
        "Its market value is larger than nine in ten graded tokens" + GOOD,
    ]


def test_a_token_in_the_middle_is_compared_with_half():
    first, _ = told([0.0, 0.0, 0.1, -0.2, 0.0], [0.0, 0.0, 0.02, 0.0, 0.0])
    assert first == "It has risen more than half of the graded tokens over 28 days" + GOOD


def test_themes_that_cancel_out_do_not_lead():
    first, _ = told([0.5, -0.49, 0.1, 0.0, 0.0], [-0.5, -0.5, 0.4, 0.0, 0.0])
    assert first.startswith("It has risen more")


def test_a_decay_is_not_called_days():
    assert fact("ewma_vol_94").span == ""
    assert fact("idio_vol_90").span == " over 90 days"


def test_a_feature_without_words_is_named():
    with pytest.raises(KeyError, match="moon_phase"):
        fact("moon_phase")
