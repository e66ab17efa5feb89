"""The outside world behind the ports of `pixelpatchwork.domain.ports`."""
