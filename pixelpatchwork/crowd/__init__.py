"""Simulated workers, who use the workers' site over HTTP as people do."""
