"""Who walks through the pages, and in which market."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from portfolios.models import User
from portfolios.services import payments
from signals.models import Market
from tests.journeys.worlds import world_create


@pytest.fixture
def world(db: None) -> Market:
    return world_create()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """No test here is about password hashing, which is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def person(email: str) -> User:
    """Somebody with a verified address and no money."""
    user = User.objects.create_user(email, "a quiet instrument 9")
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@pytest.fixture
def ada(world: Market) -> User:
    """Ada has 500 dollars and nothing invested."""
    user = person("ada@example.org")
    payments.deposit(user, "500.00")
    return user


@pytest.fixture
def bob(world: Market) -> User:
    """Bob has nothing and may see nothing of Ada's."""
    return person("bob@example.org")


@pytest.fixture
def ada_client(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client
