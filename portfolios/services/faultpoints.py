"""Named places at which a test may make the process die. Without a hook they do nothing."""

from collections.abc import Callable

_hooks: list[Callable[[str], None]] = []


def fault_point(name: str) -> None:
    """Tell the hook, if a test has set one, that execution has come here."""
    for hook in _hooks:
        hook(name)


def hook_set(hook: Callable[[str], None] | None) -> None:
    """Install the one hook, or remove it with None."""
    _hooks[:] = [] if hook is None else [hook]
