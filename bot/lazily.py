"""Something heavy that is made once: when it is first wanted, or before, in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """`get` waits until it is made; `warm_up` begins before anybody asks. What goes wrong is raised to whoever asks."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def get(self) -> T:
        """The thing itself."""
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    def warm_up(self) -> None:
        """Begins in the background."""
        threading.Thread(target=self.get, name="warm-up", daemon=True).start()
