"""Bring the course to a learner's own folder and open it in JupyterLab.

The first run copies ``course/``; every later run brings what is new and leaves alone what the
learner touched. Its three main names:

- ``delivery.deliver``: copy a release into a folder, never over an edited file;
- ``places.page_to_open``: the notebook in which the learner stopped;
- ``lab.running_lab``: JupyterLab on that folder, for as long as a ``with`` block lasts.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from grading.learning.delivery import deliver
>>> with TemporaryDirectory() as empty:
...     release = Path(empty, "course")
...     _ = release.mkdir()
...     _ = Path(release, "notes.txt").write_text("read me")
...     deliver(release, Path(empty, "mine")).created
('notes.txt',)
"""
