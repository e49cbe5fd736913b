"""The course of an individual: as a table on the terminal, as JSON and as CSV.

Start with `print_course`.
"""

import csv
import io

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.models.experiments.individual import IndividualCourse

_SHOWN_TIMES = 7
"""Columns of the table on the terminal; files hold every day."""


def print_course(course: IndividualCourse) -> None:
    """Print a course at some of its times on stdout."""
    shown = [round(index * (course.time.size - 1) / (_SHOWN_TIMES - 1)) for index in range(_SHOWN_TIMES)]
    days = [f"day {course.time[index]:g}" for index in dict.fromkeys(shown)]
    rows = [
        (item.name, item.unit, *(format_number(float(item.course[index])) for index in dict.fromkeys(shown)))
        for item in course.quantities
    ]
    print_table("", ("quantity", "unit", *days), rows, days)


def describe_course(course: IndividualCourse) -> dict[str, object]:
    """Return a course ready for JSON (schema `kinimmune.simulate/1`)."""
    return {
        "schema": "kinimmune.simulate/1",
        "model": course.model,
        "study": course.study,
        "arm": course.arm,
        "days": course.time.tolist(),
        "columns": [
            {"name": item.name, "unit": item.unit, "meaning": item.meaning, "values": item.course.tolist()}
            for item in course.quantities
        ],
    }


def write_csv(course: IndividualCourse) -> str:
    """Return a course as CSV; headers carry units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time [d]", *(f"{item.name} [{item.unit}]" for item in course.quantities)])
    writer.writerows(zip(course.time.tolist(), *(item.course.tolist() for item in course.quantities), strict=True))
    return text.getvalue()
