"""What a deployer may set about a Wechaty account. Careful on purpose: an account that talks too much is banned."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Gap = Annotated[float, Field(ge=0, le=86_400)]


class WechatySettings(BaseModel):
    """`[wechaty.<name>]`: one account; the name is the channel's."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    token_env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = "YUANZI_WECHATY_TOKEN"  # noqa: S105  # a name, not the token
    """Name of the environment variable that holds the token. The token itself never stands in a file."""

    endpoint: Annotated[str, Field(pattern=r"^$|^[^\s/]+:\d{1,5}$")] = ""
    """host:port of the gateway. Empty: ask the directory below."""
    discovery: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$")] = "token-service-discovery-test.juzibot.com"
    """Who knows where the gateway of a token is. WorkPro tokens live here, community tokens at api.chatie.io."""
    discovery_tls: bool = True
    tls: bool = False
    """WorkPro needs it off."""
    tls_ca: str = ""
    """PEM file of the authority that signed the gateway's certificate; empty: the system's."""
    tls_name: str = "insecure"
    """The name in the gateway's certificate: the community's one certificate is made out to "insecure"."""
    takeover: bool = True
    """Whether to end a stream that a crashed bot left behind at the gateway. Off: wait until it is gone."""

    speaks: Literal["first", "answer"] = "answer"
    """Whether the account may speak first. A young account should only answer; "first" lets it post on schedule."""
    talking: bool = True
    """The stop switch: false keeps the account listening and silent."""
    account_gap_seconds: Gap = 3.0
    """Between any two lines: with the jitter 10 to 20 a minute, half of what a sister project found safe."""
    group_gap_seconds: Gap = 5.0
    jitter_seconds: Gap = 3.0
    day_budget: Annotated[int, Field(ge=0, le=100_000)] = 200
    """Lines a business day. No limit is published; "a few dozen" got young accounts restricted. 0: no budget."""
    limit_pause_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    """How long to be silent after the platform said "too often"."""
    zone: str = "Asia/Shanghai"
    max_bytes: Annotated[int, Field(ge=100, le=20_000)] = 2048

    friends: Literal["accept", "words", "ignore"] = "accept"
    """Friend requests: accept all, only those whose greeting holds one of `friend_words`, or leave them to a person."""
    friend_words: list[str] = []
    catch_up_seconds: Annotated[int, Field(ge=0, le=604_800)] = 600
    """Messages that were this old when the stream opened are still heard; older ones are history and ignored."""

    call_seconds: Seconds = 10.0
    start_seconds: Seconds = 20.0
    upload_seconds: Seconds = 120.0
    probe_seconds: Seconds = 30.0
    """After so long a silence the gateway is asked whether it is still there."""
    retry_first_seconds: Seconds = 0.5
    retry_most_seconds: Seconds = 30.0
    refused_first_seconds: Seconds = 60.0
    """A token that was refused is tried again slowly: knocking faster does not help and looks like an attack."""
    refused_most_seconds: Seconds = 900.0
    patience_seconds: Seconds = 60.0
    """How long a message whose content could not be fetched waits for the gateway to come back."""

    in_flight: Annotated[int, Field(ge=1, le=1000)] = 64
    """How many events may be under way before the stream is read no further."""
    contacts_kept: Annotated[int, Field(ge=100, le=1_000_000)] = 5000
    rooms_kept: Annotated[int, Field(ge=10, le=100_000)] = 500
    names_kept_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    media_most_bytes: Annotated[int, Field(ge=1000, le=200_000_000)] = 20_000_000

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"没有这个时区：{zone}") from None
        return zone
