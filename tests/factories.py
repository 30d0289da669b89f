"""People with money, for tests."""

from __future__ import annotations

from itertools import count

from allauth.account.models import EmailAddress

from portfolios import selectors
from portfolios.models import User
from portfolios.selectors.records import Holding
from portfolios.services import payments

PASSWORD = "a long enough pass phrase"
_numbers = count(1)


def user_make(*, email: str = "", cash: str = "", verified: bool = True) -> User:
    """A user with a (verified) address and, where `cash` is given, that many sandbox dollars. Fast: no real hash."""
    address = email or f"person-{next(_numbers)}@example.org"
    user = User(email=address)
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=address, verified=verified, primary=True)
    if cash:
        payments.deposit(user, cash)
    return user


def held(user: User, slug: str = "global-100") -> Holding:
    """What the user holds of that index; the test fails where it is nothing."""
    found = selectors.holding(user, slug)
    assert found is not None
    return found
