"""The question book: entries that people wrote or taught, and which of them, if any, a message asks for."""

from bot.faq.keywords import Answer, FaqBook
from bot.faq.written import EntryModel, FaqModel, load_faq

__all__ = ["Answer", "EntryModel", "FaqBook", "FaqModel", "load_faq"]
