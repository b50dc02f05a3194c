"""Counting the way WeCom counts: UTF-8 bytes for almost everything, characters where its pages say so."""


def byte_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def cut_to_bytes(text: str, most: int) -> str:
    """The longest beginning that fits, never half a character (wecom.md 3.1: longer text is truncated silently)."""
    raw = text.encode("utf-8", "surrogatepass")
    return text if len(raw) <= most else raw[:most].decode("utf-8", "ignore")
