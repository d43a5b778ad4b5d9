"""What a run came to, for people and programs: one model, and its faces."""
