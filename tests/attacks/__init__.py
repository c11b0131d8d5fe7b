"""The attack suite: each file tells one attack and shows that it fails.

An `Attack` is a record: what it tries, what is handed in, which points it deserves. ``arena`` takes
it the whole way (collection, sandbox, broker, writer, feedback page) beside an honest neighbor and
asserts that grade, secrets, host, neighbor and batch are untouched. ``python -m tests.attacks``
runs the same records against plain ``nbgrader autograde`` and writes the table ``docs/attacks.md``.
"""
