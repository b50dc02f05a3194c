"""Sessions in memory: what is remembered of a group that plays is what the table says, whatever happened before."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage.database import Database
from storage.sessions import Sessions

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "save", "end", "move", "best", "undo", "keep"]),
        st.sampled_from(["quiz", "floors"]),
        st.sampled_from(["g1", "g2"]),
        st.integers(0, 9),
    ),
    max_size=40,
)


@given(STEPS)
def test_what_is_remembered_of_a_group_is_what_its_table_says(steps: list[tuple[str, str, str, int]]) -> None:
    database = Database.open(Path(":memory:"), "off")
    sessions = Sessions(database)
    database.begin()
    database.savepoint()
    for step, game, group, value in steps:
        found = next((one for one in sessions.in_group(group) if one.game == game), None)
        if step == "open":
            number = sessions.open(game, group, {"n": value}, member_id="m", at=value, event_id="e")
            assert (number is None) == (found is not None)
        elif step == "undo":
            database.undo_to()
            sessions.forget_cache()
            database.savepoint()
        elif step == "keep":
            database.release()
            database.savepoint()
        elif found is not None:
            if step == "save":
                sessions.save(found, {"n": value, "pair": (value, value)})
            elif step == "end":
                sessions.end(found, {"n": value}, status="ended", at=value)
            elif step == "best":
                sessions.keep_best(found.id, value, at=value)
            else:
                place = sessions.record(found.id, "m", at=value, text="t", verdict="v", event_id="e")
                assert place == len(Sessions(database).moves(found.id))
        fresh = Sessions(database)
        for one in ("g1", "g2"):
            assert sessions.in_group(one) == fresh.in_group(one)
            assert sessions.is_playing(one) == fresh.is_playing(one)
            assert sessions.best(one, game) == fresh.best(one, game)
    database.close()
