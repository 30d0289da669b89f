"""Starting a server program so that it dies with its parent, never runs as root, and runs as a user with a name.

PostgreSQL refuses uid 0, and `initdb` refuses an id that /etc/passwd does not know (as containers like to have).
Three ways, none of which adds a user or loosens a folder: `plain` (we are an ordinary user), `namespace` (our id
is mapped to that of an ordinary user in a user namespace) and `nobody` (root in a container that forbids
namespaces: another uid, keeping one capability so that the data may lie below a folder closed to others).
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent(parent: int, death_signal: int) -> None:
    """This process receives `death_signal` when `parent` ends, however it ends (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before the request was in place
        os.kill(os.getpid(), signal.SIGKILL)


def ordinary_id() -> int:
    """A user id other than root's that /etc/passwd knows: nobody's, or else the first there is.

    Raises RuntimeError where there is none.
    """
    known = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not known:
        raise RuntimeError("/etc/passwd names no user but root; set DATABASE_URL and REDIS_URL instead.")
    return _NOBODY if _NOBODY in known else known[0]


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _enter_namespace() -> None:
    inside, user, group = ordinary_id(), os.geteuid(), os.getegid()
    _checked(_libc.unshare(_CLONE_NEWUSER), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"{inside} {group} 1")
    Path("/proc/self/uid_map").write_text(f"{inside} {user} 1")


def _become_nobody() -> None:
    _checked(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
    user = ordinary_id()
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable (low word)
    _checked(_libc.capset(header, sets), "capset")
    raised = _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
    _checked(raised, "prctl(PR_CAP_AMBIENT_RAISE)")


_MODES: dict[str, Callable[[], None] | None] = {
    "plain": None,
    "namespace": _enter_namespace,
    "nobody": _become_nobody,
}


def _possible(mode: str) -> bool:
    try:
        done = subprocess.run([sys.executable, "-c", ""], preexec_fn=_MODES[mode], check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def server_mode(wanted: str = "") -> str:
    """How servers are started here: `plain`, `namespace` or `nobody`; `wanted` (SERVER_MODE) if it is given.

    Raises RuntimeError for an unknown mode, or when the system allows none that is needed.
    """
    if wanted:
        if wanted not in _MODES:
            raise RuntimeError(
                f"SERVER_MODE is {wanted!r}; set it to one of: {', '.join(_MODES)}, or unset it."
            )
        return wanted
    user = os.geteuid()
    if user != 0 and _has_name(user):
        return "plain"
    for mode in ("namespace", "nobody") if user == 0 else ("namespace",):
        if _possible(mode):
            return mode
    raise RuntimeError(
        f"PostgreSQL does not run as user id {user} (root, or without a name in /etc/passwd), and this system "
        "allows no user namespace. Run as an ordinary user with a name, or set DATABASE_URL and REDIS_URL."
    )


def owner_of_data(mode: str) -> int:
    """The user id, as seen from outside, that must own a data folder under `mode`."""
    return ordinary_id() if mode == "nobody" else os.geteuid()


def give_to(owner: int, top: Path) -> None:
    """`top` and all below belong to `owner` (needed when the mode changed between two starts)."""
    if not top.exists() or top.stat().st_uid == owner:
        return
    for folder, _, files in os.walk(top):
        os.chown(folder, owner, owner)
        for name in files:
            os.chown(Path(folder) / name, owner, owner, follow_symlinks=False)


def preparation(mode: str, parent: int, death_signal: int) -> Callable[[], None]:
    """What a child does between fork and exec: become the right user, then bind its life to `parent`."""
    change_user = _MODES[mode]

    def prepare() -> None:
        if change_user is not None:
            change_user()
        # After the change of user: the kernel forgets a death signal when credentials change.
        die_with_parent(parent, death_signal)

    return prepare


def spawn(
    argv: Sequence[str | Path],
    *,
    death_signal: int,
    mode: str = "plain",
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """The running child. It has a session of its own (a Ctrl-C at the terminal reaches only the supervisor),
    and receives `death_signal` when this process ends. Call it from the main thread: Linux ties the death
    signal to the thread that made the child.
    """
    return subprocess.Popen(
        [str(part) for part in argv],
        preexec_fn=preparation(mode, os.getpid(), death_signal),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
    )
