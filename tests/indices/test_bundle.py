"""The bundle of an index: complete, checked without Django, and telling where something was changed."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from indices import services
from indices.core.bundle import bundle_faults
from indices.core.bundle_files import MANIFEST, BundleError, packed, unpacked
from indices.models import Index, WeightCommitment
from signals.core.clock import end_of_day
from tests.architecture.rooms import ROOT
from tests.indices.test_history import BODY, MIDDLE, PANEL, index_of
from tests.indices.test_outlook import GRADED, frame, publish
from tests.indices.test_receipt_pages import SUNDAY
from tests.indices.test_receipts import AI, advance
from tests.markets import market_store

WALLED = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "psycopg", "celery", "rest_framework"):
            raise ImportError(f"a bundle is checked without {name}")
sys.meta_path.insert(0, Wall())
from indices.verify_bundle import main
raise SystemExit(main(sys.argv[1:]))
"""


def made(index: Index) -> dict[str, bytes]:
    """The files of the bundle, as they are in its archive."""
    with zipfile.ZipFile(io.BytesIO(services.bundle_zip(index))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def stored(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    services.index_backfill(index, through=date(2020, 3, 4))
    index_of({**BODY, "selection": {"count": 3, "buffer": 0}, "costs": {"fee_bps": 90}})
    services.index_backfill(index, through=MIDDLE)
    return index


def test_a_bundle_is_checked_in_a_process_without_django(stored: Index, tmp_path: Path) -> None:
    file = tmp_path / "small-5.zip"
    call_command("receipt_bundle", "small-5", "--out", str(file), stdout=io.StringIO())
    done = subprocess.run(
        [sys.executable, "-c", WALLED, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "small-5: no differences"
    assert "13 decisions computed again" in done.stdout
    assert file.read_bytes() == services.bundle_zip(stored), "the same history gives the same bytes"


def test_what_comes_out_is_what_went_in(stored: Index) -> None:
    files = made(stored)
    bundle = unpacked(files)
    again = packed(bundle)
    assert {name: files[name] for name in again} == again
    assert [question.version for question in bundle.questions] == [1, 2]
    assert bundle_faults(bundle) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("levels.json", '"2020-02-20",\n  1', '"2020-02-20",\n  2', "2020-02-20: level is"),
        (
            "decisions.json",
            '"epoch": "2020-W05"',
            '"epoch": "2020-W06"',
            "epoch is 2020-W06, computed 2020-W05",
        ),
        ("rulebooks.json", '"fee_bps": 20.0', '"fee_bps": 21.0', "rulebook 1: its digest is"),
        ("receipts.json", "2020-W05", "2020-W06", "the digest of the text is"),
    ],
)
def test_one_changed_byte_is_named(stored: Index, name: str, old: str, new: str, fault: str) -> None:
    files = made(stored)
    changed = files[name].decode().replace(old, new, 1).encode()
    assert changed != files[name]
    with pytest.raises(BundleError, match=f"{name}: is not the file that the manifest names"):
        unpacked(files | {name: changed})
    manifest = json.loads(files[MANIFEST])
    manifest["files"][name] = __import__("hashlib").sha256(changed).hexdigest()
    found = bundle_faults(unpacked(files | {name: changed, MANIFEST: json.dumps(manifest).encode()}))
    assert any(fault in text for text in found), found


def test_a_changed_price_is_named(stored: Index) -> None:
    bundle = unpacked(made(stored))
    close = bundle.panels["panel-0"].close
    close.setflags(write=True)
    day = bundle.panels["panel-0"].row(date(2020, 2, 9))
    close[day] *= 1.001
    found = bundle_faults(bundle)
    assert any(text.startswith("2020-02-09: input_hash is") for text in found)
    assert any(text.startswith("2020-02-09: level is") for text in found)


def test_grades_travel_with_the_bundle(db: None) -> None:
    from signals.models import ModelRun
    from tests.indices.markets import market

    last = date(2020, 5, 12)
    market_store(market(days=150, assets=10, seed=5, lives=False), clock_at=end_of_day(last))
    run = ModelRun.objects.create(
        name="trader", market="archive", trained_through=date(2019, 12, 31), spec={}, seed=0, text=""
    )
    publish(run, frame(date(2020, 2, 1), last))
    index = index_of(GRADED)
    services.index_backfill(index, through=last)
    bundle = unpacked(made(index))
    assert bundle_faults(bundle) == []
    (question,) = bundle.questions
    assert question.outlooks is not None
    assert question.outlooks[date(2020, 5, 10)].grades
    files = made(index)
    seen = json.loads(files["questions.json"])
    seen[0]["outlooks"]["2020-05-10"]["grades"] = None
    altered = json.dumps(seen).encode()
    manifest = json.loads(files[MANIFEST])
    manifest["files"]["questions.json"] = __import__("hashlib").sha256(altered).hexdigest()
    found = bundle_faults(
        unpacked(files | {"questions.json": altered, MANIFEST: json.dumps(manifest).encode()})
    )
    assert any(text.startswith("2020-05-10: input_hash is") for text in found)


def test_what_is_sealed_is_not_in_the_bundle(db: None) -> None:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(AI)
    services.index_backfill(index, through=MIDDLE)
    advance(SUNDAY)
    kept = WeightCommitment.objects.get()
    files = made(index)
    whole = b"".join(content for name, content in files.items() if name.endswith(".json")).decode()
    assert kept.digest in whole
    assert kept.salt not in whole
    bundle = unpacked(files)
    assert bundle.filed[-1].as_of < SUNDAY
    assert bundle_faults(bundle) == []


def test_the_public_gets_bundles_only_of_prices_that_may_be_passed_on(client: Client, stored: Index) -> None:
    refused = client.get("/indices/small-5/receipts/bundle.zip")
    assert refused.status_code == 403
    assert "whose licence does not let us pass them on" in refused.content.decode()


def test_what_is_no_bundle_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from indices.verify_bundle import main

    (tmp_path / "x.zip").write_text("nothing")
    assert main([str(tmp_path / "x.zip")]) == 2
    assert main([]) == 2
    assert "not a zip file" in capsys.readouterr().err
