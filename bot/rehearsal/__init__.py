"""The rehearsal: a week of the real settings, persona and scripts in virtual time, before simulated members."""
