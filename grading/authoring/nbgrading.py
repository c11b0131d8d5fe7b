"""What plain nbgrader needs of us: a kernel that starts reliably. See ``nbgrader_config.py``."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import Execute

from grading.authoring.kernels import CourseKernelManager

__all__ = ["CourseExecute"]


class CourseExecute(Execute):  # type: ignore[misc]  # nbgrader carries no types
    """nbgrader's own execution, in the running interpreter's kernel over ipc.

    Over TCP about one kernel in two hundred finds its port taken; nbgrader then records 0 points.
    The class cannot be set by configuration: nbgrader passes its own as an argument.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["kernel_manager_class"] = CourseKernelManager
        super().__init__(*args, **kwargs)
