"""Deposit addresses: derived without a secret, given out once, and what the pages and the API say of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from eth_account import Account
from eth_keys import keys

from portfolios.chain.derivation import addresses_derived
from portfolios.errors import AddressUnavailable
from portfolios.models import DepositAddress, User
from portfolios.services import usdc
from tests.factories import user_make
from tests.portfolios.chain.local import FILE
from tests.portfolios.chain.scene import CONFIRMATIONS, Scene

WORDS = "test test test test test test test test test test test junk"  # every wallet's public test phrase
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def xpub_of(words: str) -> str:
    """The extended public key at m/44'/60'/0', made from the secret as a wallet would make it."""
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    digest = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
    key, chain, parent = digest[:32], digest[32:], b""
    for step in (44, 60, 0):
        parent = keys.PrivateKey(key).public_key.to_compressed_bytes()
        data = b"\x00" + key + (step + 2**31).to_bytes(4)
        digest = hmac.new(chain, data, hashlib.sha512).digest()
        key = ((int.from_bytes(digest[:32]) + int.from_bytes(key)) % ORDER).to_bytes(32)
        chain = digest[32:]
    ripe = hashlib.new("ripemd160", hashlib.sha256(parent).digest()).digest()[:4]
    public = keys.PrivateKey(key).public_key.to_compressed_bytes()
    body = bytes.fromhex("0488b21e") + b"\x03" + ripe + (2**31).to_bytes(4) + chain + public
    whole = body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    number, text = int.from_bytes(whole), ""
    while number:
        number, place = divmod(number, 58)
        text = ALPHABET[place] + text
    return text


def test_derived_addresses_are_those_of_the_wallet() -> None:
    Account.enable_unaudited_hdwallet_features()
    derived = addresses_derived(xpub_of(WORDS), 0, 5)
    for number, (path, address) in enumerate(derived):
        theirs = Account.from_mnemonic(WORDS, account_path=f"m/44'/60'/0'/0/{number}")
        assert (path, address) == (f"0/{number}", theirs.address)
    assert derived[0][1] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert addresses_derived(xpub_of(WORDS), 3, 2) == derived[3:]


@pytest.mark.parametrize("text", ["", "xpub0", "xprv9s21", xpub_of(WORDS)[:-1] + "1", "x" * 200])
def test_what_is_no_extended_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="extended public key"):
        addresses_derived(text, 0, 1)


@pytest.mark.django_db
def test_the_command_fills_the_pool_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    file, said = tmp_path / "xpub", StringIO()
    file.write_text(xpub_of(WORDS) + "\n")
    call_command("usdc_addresses", xpub=str(file), count=3, stdout=said)
    call_command("usdc_addresses", xpub=str(file), count=2, stdout=said)
    assert said.getvalue() == "3 addresses added; 3 are free.\n2 addresses added; 5 are free.\n"
    assert list(DepositAddress.objects.values_list("path", flat=True)) == [f"0/{n}" for n in range(5)]
    listed = tmp_path / "list"
    listed.write_text("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\nnonsense\n")
    with pytest.raises(CommandError, match="line 2"):
        call_command("usdc_addresses", file=str(listed))
    assert DepositAddress.objects.count() == 5


@pytest.mark.django_db
def test_an_address_is_given_once_and_the_pool_can_run_dry(scene: Scene) -> None:
    assert usdc.address_assign(scene.user).address == scene.address
    given = {usdc.address_assign(user_make()).address for _ in range(len(scene.chain.people) - 1)}
    assert len(given) == len(scene.chain.people) - 1
    with pytest.raises(AddressUnavailable, match="all deposit addresses are taken"):
        usdc.address_assign(user_make())


@pytest.mark.django_db
def test_without_a_node_no_address_is_given(settings: Any) -> None:
    settings.USDC_RPC_URL = ""
    with pytest.raises(AddressUnavailable, match="not set up"):
        usdc.address_assign(user_make())


@pytest.mark.django_db(transaction=True)
def test_many_first_asks_at_once_take_one_address_each(settings: Any) -> None:
    settings.USDC_RPC_URL = "http://localhost:1"
    usdc.addresses_add(Account.from_key(number.to_bytes(32)).address for number in range(1, 13))
    people = [user_make() for _ in range(4)]

    def ask(person: User) -> str:
        try:
            return usdc.address_assign(person).address
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(ask, people * 4))
    assert len(set(given)) == 4
    assert given[:4] * 4 == given
    assert DepositAddress.objects.filter(user__isnull=False).count() == 4


@pytest.mark.django_db
def test_the_page_tells_where_to_send_and_what_has_arrived(scene: Scene) -> None:
    browser, newcomer = Client(), user_make()
    for person in (newcomer, scene.user):
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        page = browser.get(reverse("portfolios:usdc"))
        assert page.status_code == 200
        assert ("Get my address" in page.content.decode()) is (person is newcomer)
    scene.chain.pay(scene.address, "12.5")
    scene.look()
    body = browser.get(reverse("portfolios:usdc")).content.decode()
    assert scene.address in body
    assert "1 of 3" in body
    scene.chain.mine(CONFIRMATIONS)
    scene.look()
    body = browser.get(reverse("portfolios:usdc")).content.decode()
    assert "In your cash" in body
    assert "$12.50" in body
    browser.force_login(newcomer, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(reverse("portfolios:usdc_address")).status_code == 302
    assert DepositAddress.objects.filter(user=newcomer).exists()


@pytest.mark.django_db
def test_an_operator_lets_a_transfer_through_and_gives_a_payout_back(scene: Scene, settings: Any) -> None:
    from portfolios.models import ChainTransfer

    settings.USDC_ASSET = "no-such-coin"
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    staff = User.objects.create_superuser("operator@example.org", None)
    browser = Client()
    browser.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:portfolios_chaintransfer_release", args=[ChainTransfer.objects.get().pk])
    assert "100.000000 USDC" in browser.get(address).content.decode()
    assert browser.post(address, {"word": "two"}).status_code == 200
    assert ChainTransfer.objects.get().released_by is None
    assert browser.post(address, {"word": "0.5"}).status_code == 302
    scene.look()
    assert scene.cash() == 50
    browser.force_login(scene.user, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(address, {"word": "1"}).status_code in (302, 403)
    assert scene.cash() == 50


def test_the_compiled_contract_is_of_the_source_beside_it() -> None:
    built = json.loads(FILE.read_text())
    source = FILE.with_name(built["source"]).read_bytes()
    assert hashlib.sha256(source).hexdigest() == built["source_sha256"]
