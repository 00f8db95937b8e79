"""Real Redis, Sentinels and clients as processes on loopback, with the rendered settings and the README's code."""
