"""The sandbox's only source of ids, nonces and random bytes: a stream that depends on nothing but its seed."""

import hashlib
from collections.abc import Callable

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Luck:
    """Deterministic unless another source of bytes is injected (the sandbox that a person starts injects one)."""

    def __init__(self, seed: str = "fake-wecom", source: Callable[[int], bytes] | None = None) -> None:
        self._seed = seed.encode()
        self._count = 0
        self._source = source

    def draw(self, size: int) -> bytes:
        """The next `size` bytes."""
        if self._source is not None:
            return self._source(size)
        out = b""
        while len(out) < size:
            self._count += 1
            out += hashlib.blake2b(self._count.to_bytes(8, "big"), key=self._seed[:64]).digest()
        return out[:size]

    def word(self, prefix: str, size: int = 22) -> str:
        """An id of letters and digits behind a prefix."""
        return prefix + "".join(LETTERS[byte % len(LETTERS)] for byte in self.draw(size))

    def digits(self, size: int) -> str:
        """A number of exactly `size` digits, never with a leading zero."""
        raw = self.draw(size)
        return str(raw[0] % 9 + 1) + "".join(str(byte % 10) for byte in raw[1:])
