"""How fast a class is graded, beside plain nbgrader on the same submissions."""
