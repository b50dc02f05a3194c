"""How fast the bot is, measured beside what it could be compared with, in one run (`yuanzi bench`)."""
