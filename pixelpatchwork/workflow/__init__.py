"""What a command does, step by step: ports in, effects out, safe to run again."""
