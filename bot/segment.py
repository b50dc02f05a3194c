"""Where Chinese words begin and end: jieba's dictionary read by rjieba, the same words with half the memory."""

import gc
import importlib
import threading
from functools import lru_cache
from typing import Any


class Segmenter:
    """Word boundaries. The first question waits for the dictionary; `warm_up` starts loading it before anybody asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dictionary: Any = None
        self.boundaries = lru_cache(maxsize=2048)(self._boundaries)

    def warm_up(self) -> None:
        """Loads the dictionary in the background."""
        threading.Thread(target=self._load, name="jieba", daemon=True).start()

    def _load(self) -> Any:
        with self._lock:
            if self._dictionary is None:
                rjieba = importlib.import_module("rjieba")
                rjieba.cut("先读词典", False)
                self._dictionary = rjieba
                gc.freeze()  # what start-up built stays for good: nothing for the collector to look through
            return self._dictionary

    def words(self, text: str) -> list[str]:
        """The words of a text, without guessing new ones; what is between them (blanks, signs) may be among them."""
        found: list[str] = self._load().cut(text, False)
        return found

    def classes(self, text: str) -> list[tuple[str, str]]:
        """The words of a text with their classes as jieba names them: n, v, r, eng ..."""
        found: list[tuple[str, str]] = self._load().tag(text, False)
        return found

    def _boundaries(self, text: str) -> frozenset[int]:
        places = {0}
        place = 0
        for word in self.words(text):
            place = text.find(word, place) + len(word)
            places.add(place)
        return frozenset(places)

    def stands_alone(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end] begins and ends where words do: 发票 in 开发票 does not, in 发票怎么开 it does."""
        found = self.boundaries(text)
        return start in found and end in found


SEGMENTER = Segmenter()
"""One dictionary for the process: it takes 35 MB."""
