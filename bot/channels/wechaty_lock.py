"""One bot per token: two of them would steal the event stream from each other."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.channels.wechaty_state import PHASES
from bot.errors import Refused


@contextmanager
def hold_token(folder: Path, token: str) -> Iterator[None]:
    """Held until the process ends, however it ends. A second bot on this machine is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"yuanzi-wechaty-{hashlib.sha256(token.encode()).hexdigest()[:16]}.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(PHASES["locked"]) from None
        yield
