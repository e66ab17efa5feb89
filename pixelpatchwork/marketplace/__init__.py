"""A marketplace of one's own that speaks the Mechanical Turk requester API (2017-01-17).

Amazon closed Mechanical Turk on 2026-09-30, and everything written for it lost its other end. This package is
that other end: the wire protocol for requesters' tools, the life cycle of HITs and assignments on a clock that
can be moved, the money, and the site where workers do the HITs. It knows nothing of PixelPatchwork.

`app.create_app` makes the application, `embedded.attach` lets a boto3 client reach it without a socket, and
`served.serve` gives it a port.
"""
