"""What was taught by chat, as entries of the question book."""

from collections.abc import Callable, Collection

from bot.faq import EntryModel
from storage.faq import Taught
from storage.store import Store


class TaughtShelf:
    """What was taught by chat, as entries of the book. Implements `bot.faq.library.Shelf`."""

    def __init__(self, store: Store, written: Callable[[], Collection[str]]) -> None:
        self._faq = store.faq
        self._written = written
        self._known: dict[Taught, EntryModel] = {}

    @property
    def version(self) -> int:
        return self._faq.version

    def read(self) -> list[EntryModel]:
        """Proven when they were taught: not proven again. What has not changed is the very same entry as before. A new
        answer to a written entry is found through that one, as long as the files have it."""
        written = self._written()
        self._known = {
            one: self._known.get(one) or _as_entry(one)
            for one in self._faq.standing() if one.stands_for not in written
        }  # fmt: skip
        return list(self._known.values())


def _as_entry(one: Taught) -> EntryModel:
    return EntryModel.model_construct(
        id=f"#{one.id}", question=one.question, similar=one.similar, answer=one.answer,
        groups=(one.group_id,) if one.group_id else (),
    )  # fmt: skip
