"""Where Chinese words begin and end, by jieba: loaded in a thread of its own, because its dictionary takes a second."""

import gc
import importlib
import logging
import threading
from functools import lru_cache
from typing import Any


class Segmenter:
    """Word boundaries. The first question waits for the dictionary; `warm_up` starts loading it before anybody asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokenizer: Any = None
        self.boundaries = lru_cache(maxsize=2048)(self._boundaries)

    def warm_up(self) -> None:
        """Loads the dictionary in the background."""
        threading.Thread(target=self._load, name="jieba", daemon=True).start()

    def _load(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                jieba = importlib.import_module("jieba")
                jieba.setLogLevel(logging.WARNING)
                tokenizer = jieba.Tokenizer()
                tokenizer.initialize()
                self._tokenizer = tokenizer
                gc.freeze()  # its 350,000 entries stay for good: nothing for the collector to look through
            return self._tokenizer

    def _boundaries(self, text: str) -> frozenset[int]:
        places = {0}
        for _, _, end in self._load().tokenize(text, HMM=False):
            places.add(end)
        return frozenset(places)

    def stands_alone(self, text: str, start: int, end: int) -> bool:
        """Whether text[start:end] begins and ends where words do: 发票 in 开发票 does not, in 发票怎么开 it does."""
        found = self.boundaries(text)
        return start in found and end in found


SEGMENTER = Segmenter()
"""One dictionary for the process: it takes 70 MB."""
