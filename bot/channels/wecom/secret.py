"""Where secrets come from: an environment variable by name, or a file that only its owner may read."""

import os
import stat
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from bot.errors import ChannelError

MAX_BYTES = 4096
TIGHT = 0o177
"""The mode bits that a secret file must not have: anything beyond 0600."""


class SecretMissing(ChannelError):
    """The secret is not there or not safe to use. Says where, never what."""


class Strict(BaseModel):
    """Unknown keys and wrong types are refused; mistakes never quote what was typed, it may be a secret."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class SecretSource(Strict):
    """`{ env = "NAME" }` or `{ file = "/run/secrets/name" }`, exactly one."""

    env: str | None = Field(default=None, pattern=r"^[A-Z_][A-Z0-9_]{0,99}$")
    file: str | None = Field(default=None, min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("env 和 file 要写一个，只写一个")
        return self

    def where(self) -> str:
        return f"环境变量 {self.env}" if self.env else f"文件 {self.file}"

    def read(self, environ: Mapping[str, str]) -> SecretStr:
        value = environ.get(self.env, "") if self.env else _read_file(self.file or "")
        value = value.strip()
        if not value:
            raise SecretMissing(f"{self.where()} 没有值")
        if not value.isprintable() or len(value) > MAX_BYTES:
            raise SecretMissing(f"{self.where()} 的值不像密钥（有换行或不可见字符）")
        return SecretStr(value)


def _read_file(path: str) -> str:
    failure = ""
    raw = b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                failure = "不是普通文件"
            elif status.st_mode & TIGHT:
                failure = f"权限是 {stat.S_IMODE(status.st_mode):04o}，必须是 0600"
            else:
                raw = os.read(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        failure = f"打不开（{error.strerror}）"
    if failure:
        raise SecretMissing(f"文件 {path} {failure}")
    return raw.decode("utf-8", "replace")
