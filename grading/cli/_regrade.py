"""``nncourse regrade``: after a mended exercise, and for an appeal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._grading import (
    ClusterOption,
    ExercisesOption,
    JsonOption,
    TimeOption,
    UnsafeOption,
    WorkersOption,
)
from grading.cli._reading import CourseOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from grading.engine import Engine
    from grading.runs import Progress, Summary

    Watch = Callable[[Progress], None]

EXAMPLE = "Example: nncourse regrade --explain ada relu_backward"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(regrade)


def regrade(
    unit: Annotated[
        str | None,
        typer.Argument(metavar="[UNIT]", help="Only this assignment.", show_default=False),
    ] = None,
    folder: ClassOption = None,
    student: Annotated[
        str | None,
        typer.Option("--student", metavar="ID", help="Only this learner.", show_default=False),
    ] = None,
    exercise: Annotated[
        str | None,
        typer.Option(
            "--exercise", metavar="NAME", help="Only if this one changed.", show_default=False
        ),
    ] = None,
    explain: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--explain",
            metavar="STUDENT EXERCISE",
            help="Grade nothing; replay the very cases of a verdict, hidden ones too. In place of "
            "the learner's id, the number at the end of the feedback page names the attempt.",
            show_default=False,
        ),
    ] = None,
    all_cases: Annotated[
        bool,
        typer.Option("--all-cases", help="With --explain: also the cases that are right."),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Run also what did not change; the higher score is kept, and said."
        ),
    ] = False,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    db: DbOption = None,
    exercises: ExercisesOption = None,
    course: CourseOption = None,
    unsafe: UnsafeOption = False,
    time_factor: TimeOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Grade again what a mended exercise changes; the higher score is kept.

    Due dates, lateness and penalties are worked out again for all of the work, by the due dates,
    extensions and late policy of now. Other scores, and what people entered, stay. Exit
    status 1 if something was refused or could not be graded. For instructors.
    """
    from grading.cli._class import (
        class_words,
        open_class,
        refuse_beside_course,
    )  # keeps --help fast
    from grading.cli._grading import refuse_without_isolation
    from grading.cli._text import print_json

    if course is not None:
        refuse_beside_course(
            "regrade",
            {
                "--class": folder is not None,
                "--db": db is not None,
                "--exercise": exercise is not None,
                "--exercises": bool(exercises),
                "--explain": explain is not None,  # the assertions stand in the autograded notebook
            },
        )
        from grading.kernel import open_course
        from grading.runs import regrade_course

        opened = open_course(course)

        def run_course(engine: Engine, watch: Watch) -> Summary:
            return regrade_course(
                opened,
                engine=engine,
                unit=unit,
                student=student,
                everything=everything,
                unsafe=unsafe,
                time_factor=time_factor,
                watch=watch,
            )

        _run(run_course, workers, cluster, unsafe=unsafe, option=None, as_json=as_json)
        return
    from grading.runs import explain_verdict
    from grading.runs import regrade as regrade_class

    classroom = open_class(folder, db=db)
    if explain is not None:
        refuse_without_isolation(unsafe=unsafe)
        found, warning = explain_verdict(
            classroom,
            *explain,
            unit=unit,
            exercises=exercises or (),
            unsafe=unsafe,
            time_factor=time_factor,
        )
        if as_json:
            print_json({"warning": warning, **plain(found)})
        else:
            typer.echo(found.to_text(all_cases=all_cases))
        if warning:
            typer.echo(warning, err=True)
        return

    def run_class(engine: Engine, watch: Watch) -> Summary:
        return regrade_class(
            classroom,
            engine=engine,
            unit=unit,
            student=student,
            exercise=exercise,
            everything=everything,
            exercises=exercises or (),
            unsafe=unsafe,
            time_factor=time_factor,
            watch=watch,
        )

    option = class_words(folder)
    _run(run_class, workers, cluster, unsafe=unsafe, option=option, as_json=as_json)


def _run(
    run: Callable[[Engine, Watch], Summary],
    workers: int | None,
    cluster: str | None,
    *,
    unsafe: bool,
    option: str | None,
    as_json: bool,
) -> None:
    """Run on an engine, and say what it came to, for a class with the option that names it."""
    from grading.cli._class import repeat_class
    from grading.cli._grading import make_engine, show, watching
    from grading.cli._text import leave_with, print_json

    engine = make_engine(workers, cluster, unsafe=unsafe)
    try:
        with watching() as watch:
            summary = run(engine, watch)
    finally:
        engine.close()
    repeat_class(summary, option or "")
    if as_json:
        print_json(summary.to_dict())
    else:
        show(summary, option)
        plural = "y" if summary.penalties == 1 else "ies"
        typer.echo(
            "Due dates, lateness and penalties were worked out again: "
            f"{summary.penalties} penalt{plural} changed."
        )
    if not summary.ok:
        leave_with(1)


def plain(value: Any) -> Any:
    """Write an explanation as JSON can hold it; arrays become nested lists.

    Parameters
    ----------
    value : object
        Dataclasses, mappings, sequences, arrays, numbers, text; of anything else its `repr`.

    Returns
    -------
    object
        Of dicts, lists, numbers, strings; numbers that JSON lacks become strings.
    """
    import dataclasses
    import math

    import numpy as np

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return repr(value)
