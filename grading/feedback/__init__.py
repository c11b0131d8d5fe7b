"""Feedback pages: what a learner gets back, one self-contained HTML file per assignment.

- `feedback_page` turns one `Work` and its declarations into HTML;
- `write_feedback` writes the pages of a class where nbgrader puts its own, and zips them if asked;
- `contents` is what stands on a page, before it is drawn.

A page names what was tested, what failed and which hint to open. It holds no hidden case, no script
and no remote resource, and everything that a learner or a grader wrote is escaped.

>>> from grading.classroom import Learner
>>> from grading.reporting import Work
>>> page = feedback_page(Work(Learner("k", "ada", "Ada", "<b>"), "01-x", None), {}, {})
>>> "Ada &lt;b&gt;" in page, "<script" in page
(True, False)
"""

from grading.feedback._contents import Block, Contents, Row, contents
from grading.feedback._page import feedback_page
from grading.feedback._writing import write_feedback, zip_pages

__all__ = ["Block", "Contents", "Row", "contents", "feedback_page", "write_feedback", "zip_pages"]
