"""The report on a run: one `Summary`, as text, JSON, JUnit and a web page."""

from lapel_fleet.report.junit import write_junit
from lapel_fleet.report.page import write_page
from lapel_fleet.report.progress import Progress, progress
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import Summary, as_json, summarise
from lapel_fleet.report.text import as_text

__all__ = [
    "Progress",
    "Result",
    "Summary",
    "as_json",
    "as_text",
    "progress",
    "summarise",
    "write_junit",
    "write_page",
]
