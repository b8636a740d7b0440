"""Our routes on Locust's Flask app, under its base path and behind its login where that is on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.cockpit import faults
from harness.cockpit.shown import CHARTS
from harness.cockpit.ticking import Cockpit

STATIC = Path(__file__).parent / "static"
# What a run directory offers to be read: the report, what it is made of, and no samples.
CHARTS_JSON = json.dumps([asdict(chart) for chart in CHARTS])
REPORT_SUFFIXES = frozenset({".html", ".md", ".json", ".jsonl", ".xml", ".svg", ".png", ".csv"})
# Everything comes from here; charts set sizes and places of their parts by script, which needs no more.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def add_routes(web_ui: Any, cockpit: Cockpit, *, base_path: str) -> None:
    """``/dbharness/``: page, its files, ``live``, ``charts`` and reports of this process's runs."""
    from flask import Blueprint, abort, jsonify, request, send_file, send_from_directory

    def page() -> Any:
        return send_file(STATIC / "page.html")

    def static_file(name: str) -> Any:
        return send_from_directory(STATIC, name)

    def live() -> Any:
        state = cockpit.state
        since, test = (request.args.get(name, default=0, type=int) for name in ("since", "test"))
        # Who has seen another test knows nothing of this one yet, whatever the second.
        return jsonify(state.since(since if test in (0, state.tests) else 0))

    def charts() -> Any:
        return web_ui.app.response_class(
            CHARTS_JSON, mimetype="application/json"
        )  # jsonify would sort what is in order

    def report(run: str, name: str) -> Any:
        file = report_file(cockpit.state.runs, run, name)
        return abort(404) if file is None else send_file(file)

    def close_off(response: Any) -> Any:
        if request.endpoint != "dbharness.report":  # which has a policy of its own
            response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    pages: Any = Blueprint("dbharness", __name__, url_prefix=f"{base_path}/dbharness")
    for rule, view in (
        ("/", page), ("/static/<path:name>", static_file), ("/live", live), ("/charts", charts),
        ("/report/<run>/<path:name>", report),
    ):  # fmt: skip
        pages.add_url_rule(rule, view.__name__, web_ui.auth_required_if_enabled(view))
    faults.add_routes(pages, web_ui, cockpit)
    pages.after_request(close_off)
    web_ui.app.register_blueprint(pages)


def report_file(runs: Mapping[str, Path], run: str, name: str) -> Path | None:
    """A file of a run of this process that may be read; None where there is none, or it lies elsewhere."""
    if run not in runs:
        return None
    folder = runs[run].resolve()
    file = (folder / name).resolve()
    fits = file.is_relative_to(folder) and file.suffix in REPORT_SUFFIXES and file.is_file()
    return file if fits and "samples" not in file.relative_to(folder).parts else None
