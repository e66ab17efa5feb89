"""A marketplace that speaks the Mechanical Turk requester API. It knows nothing of the rest of the program."""
