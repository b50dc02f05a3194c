"""The official WeCom channels: callbacks, customer contact, customer service, AI bot, webhook robot, app messages."""
