"""The rules of the study. Pure: no network, no database, no clock, no files, no environment."""
