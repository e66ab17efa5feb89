"""PixelPatchwork: one picture, many hands, one patch a day."""

__version__ = "0.1.0"
