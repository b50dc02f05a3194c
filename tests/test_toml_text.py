"""Whatever a command writes as TOML is read back the same."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.toml_text import toml_key, toml_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | TEXT | st.dates() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_what_is_written_is_read_back_the_same(table: dict[str, Any]) -> None:
    text = "\n".join(f"{toml_key(name)} = {toml_value(value)}" for name, value in table.items())
    assert tomllib.loads(text) == table


def test_texts_stay_readable() -> None:
    assert toml_value('一行\n「两行」\t"引"\\') == '"一行\\n「两行」\\t\\"引\\"\\\\"'
    assert toml_value(["a", 1, True, {"b c": date(2026, 12, 2)}]) == '["a", 1, true, { "b c" = 2026-12-02 }]'
    assert toml_value(datetime(2026, 12, 2, 9, tzinfo=UTC)) == "2026-12-02T09:00:00+00:00"
    assert toml_value("\u200b\U000e0001") == '"\\u200b\\U000e0001"'
