"""Run as `python -m redisgen`."""

from redisgen.cli import main

main()
