"""What the study shows: statistics and the report. Reads only."""
