"""Simulated workers, who use the workers' site over HTTP as people do.

They are what a rehearsal needs: answers that came the whole way through the marketplace's pages, from workers of
different skill, taste and care, some of whom answer badly on purpose. They know nothing but what a person sees:
they sign in by name, read the list of HITs, preview, accept, open the work frame, find its form, fill it in and
submit. So a page that a person could not use stops them as well.

What they are not: people. Their taste is a few formulas over pixels (`opinions`), their prompts come from one
vocabulary (`phrases`), and they neither learn nor talk to each other. Figures from a rehearsal show that the program
works; they say nothing about crowds.

Everything is decided by a random seed, the workers' names and what stands on the pages; never by ids, by the time or
by the order in which something was hashed.
"""
