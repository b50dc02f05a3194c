"""What a beat opens instead of saying a phrase: a draw, a quiz, a game."""

from typing import Literal

from pydantic import Field, model_validator

from bot.settings.kinds import Part


class QuizOpening(Part):
    """A quiz session that a beat opens."""

    mode: Literal["抢答", "全员"] = "抢答"
    questions: int = Field(5, ge=1, le=50, description="几题；群里的 quiz.most 更小就按它")
    tags: tuple[str, ...] = Field((), max_length=10, description="只出这些分类或标签的题；留空都出")
    difficulty: int = Field(0, ge=0, le=3, description="1 简单、2 中等、3 难；0 按群里的设置")
    prize: str = Field("", max_length=60, description="得分最高的拿什么")


class Opens(Part):
    """A draw by the name of its file, a quiz, or a game with the words that staff would type after its own.

    A draw and a quiz together: whoever answers right enters the draw.
    """

    draw: str = Field("", max_length=60)
    quiz: QuizOpening | None = None
    game: str = Field("", max_length=20)
    words: str = Field("", max_length=200, description="游戏口令后面的话，比如 元气满满 20:00")

    @model_validator(mode="after")
    def _one_thing(self) -> "Opens":
        chosen = (bool(self.draw or self.quiz), bool(self.game))
        if sum(chosen) != 1:
            raise ValueError("写一样：draw 抽奖、quiz 答题（可以和 draw 一起）、game 游戏")
        if self.words and not self.game:
            raise ValueError("words 是跟在游戏口令后面的话，和 game 一起写")
        return self

    def __str__(self) -> str:
        """What staff read of it."""
        parts = [f"开抽奖「{self.draw}」"] if self.draw else []
        if self.quiz is not None:
            about = "、".join(self.quiz.tags)
            parts.append(f"{self.quiz.mode}答题 {self.quiz.questions} 题" + (f"（{about}）" if about else ""))
        if self.game:
            parts.append(f"开「{self.game}」{self.words}")
        return "，".join(parts)
