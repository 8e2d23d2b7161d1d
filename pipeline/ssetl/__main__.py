"""`python -m ssetl`."""

from ssetl.cli import main

main()
