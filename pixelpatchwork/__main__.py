"""`python -m pixelpatchwork` is `ppw`."""

from pixelpatchwork.cli import main

if __name__ == "__main__":
    main()
