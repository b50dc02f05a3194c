"""Pure rules: state and event in, state and consequences out. No I/O, no clock, no dice of their own."""
