"""The commands of `yuanzi`, one file each: `add` declares options, `run` works and returns the exit code."""
