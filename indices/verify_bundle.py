"""python -m indices.verify_bundle FILE.zip: an index recomputed from its bundle, without a database and without Django.

Exit 0 where every receipt, decision and level is right, 1 with each difference in a line, 2 where it cannot be read.
"""

import sys
import zipfile
from pathlib import Path

from indices.core.bundle import bundle_faults
from indices.core.bundle_files import BundleError, unpacked

LARGEST = 4 * 1024**3
"""Bytes unpacked; what claims more is no bundle of ours."""


def files_of(path: Path) -> dict[str, bytes]:
    """Every file in the archive at `path`. Raises BundleError where it is none or is too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > LARGEST:
                raise BundleError(f"{path}: would unpack to more than {LARGEST:,} bytes")
            return {item.filename: archive.read(item) for item in archive.infolist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path}: {error}") from error


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m indices.verify_bundle FILE.zip\n")
        return 2
    try:
        bundle = unpacked(files_of(Path(arguments[0])))
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    faults = bundle_faults(bundle, say=_say)
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    keys = ", ".join(bundle.keys.values())
    _say(f"signed with {keys}: compare it with the key that the publisher shows")
    _say(f"{bundle.slug}: {len(faults) or 'no'} difference{'' if len(faults) == 1 else 's'}")
    return 1 if faults else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
