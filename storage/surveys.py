"""Questionnaires: who is answering which, at which question, and the answers given."""

from dataclasses import dataclass

from storage.database import Database


@dataclass(frozen=True, slots=True)
class SurveyRun:
    """Where a member is in a questionnaire. `step` is the question that is open, from 0."""

    survey: str
    version: str
    state: str
    step: int
    missed: int
    at: int


class Surveys:
    """The tables `survey_run` and `survey_answer`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._open: set[str] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._open = None

    def is_answering(self, group_id: str | None, member_id: str | None) -> bool:
        """Whether what a member says may be an answer: only in 1:1, only while a questionnaire is open."""
        if group_id is not None:
            return False
        if self._open is None:
            self._open = {row[0] for row in self._execute("SELECT member_id FROM survey_run WHERE state = 'open'")}
        return member_id in self._open

    def run(self, member_id: str) -> SurveyRun | None:
        """The newest questionnaire of a member."""
        row = self._execute(
            "SELECT survey, version, state, step, missed, at FROM survey_run WHERE member_id = ?", (member_id,)
        ).fetchone()
        return SurveyRun(*row) if row else None

    def put(self, member_id: str, run: SurveyRun) -> None:
        """Notes where a member is."""
        self._execute(
            "INSERT INTO survey_run VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET survey = excluded.survey,"
            " version = excluded.version, state = excluded.state, step = excluded.step, missed = excluded.missed,"
            " at = excluded.at",
            (member_id, run.survey, run.version, run.state, run.step, run.missed, run.at),
        )
        self._open = None

    def answer(self, member_id: str, survey: str, question: int, choice: int, *, event_id: str, at: int) -> None:
        """Notes an answer in place of an earlier one."""
        self._execute(
            "INSERT INTO survey_answer VALUES (?,?,?,?,?,?) ON CONFLICT (member_id, survey, question) DO UPDATE SET"
            " choice = excluded.choice, event_id = excluded.event_id, at = excluded.at",
            (member_id, survey, question, choice, event_id, at),
        )

    def answers(self, member_id: str, survey: str) -> list[tuple[int, int, str, int]]:
        """(question, choice, event id, ms) of a member, in order."""
        return self._execute(
            "SELECT question, choice, event_id, at FROM survey_answer WHERE member_id = ? AND survey = ?"
            " ORDER BY question",
            (member_id, survey),
        ).fetchall()

    def start_over(self, member_id: str, survey: str) -> None:
        """Earlier answers no longer count."""
        self._execute("DELETE FROM survey_answer WHERE member_id = ? AND survey = ?", (member_id, survey))

    def forget(self, member_id: str) -> int:
        """Removes everything this family knows of a member. Returns how many rows."""
        self._open = None
        return sum(
            self._execute(f"DELETE FROM {table} WHERE member_id = ?", (member_id,)).rowcount
            for table in ("survey_run", "survey_answer")
        )
