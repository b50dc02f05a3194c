"""The bot: rooms and arrows are described in docs/architecture.md."""
