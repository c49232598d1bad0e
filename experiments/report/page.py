"""The page: template, styles, script and data put into one file that loads nothing."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from experiments.report.figure import Chart
from experiments.report.language import HOME, Language

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page(
    language: Language,
    charts: Iterable[Chart],
    sections: Iterable[tuple[str, str]],
    *,
    package: str = HOME,
    **parts: Any,
) -> str:
    """Return the page as HTML; `parts` are what the template shows, all text in them escaped.

    The template is page.html of `package`, which fills the blocks of base.html; `sections` are the ids and titles that
    its contents list.
    """
    scripts = {"plotly": _plotly(), "script": _part("page.js")}
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts.values())
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; "
        "base-uri 'none'; form-action 'none'"
    )
    data = {
        "charts": {chart.id: {**chart.plotly, "height": chart.height} for chart in charts if chart.plotly},
        "locale": {"months": language.entry("locale.months"), "code": language.code},
    }
    return _environment(package).get_template("page.html").render(
        t=language, lang=language, policy=policy, style=Markup(_part("page.css")), data=embedded(data),
        sections=list(sections), points_unit=language("number.points"),
        **{name: Markup(text) for name, text in scripts.items()}, **parts,
    )  # fmt: skip


def embedded(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that may stand in a script element of a page.

    >>> embedded({"name": "</script><b>"})
    Markup('{"name":"\\\\u003c/script\\\\u003e\\\\u003cb\\\\u003e"}')
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup("".join(_UNSAFE.get(letter, letter) for letter in text))


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _plotly() -> str:
    """Return Plotly's script, in the form in which it may stand inside a page."""
    text = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")


@cache
def _part(name: str, package: str = HOME) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8").strip()


@cache
def _environment(package: str) -> Environment:
    """Return an environment whose templates are those of `package`, and beside them the shared ones."""

    def load(name: str) -> str:
        return _part(name, package if files(package).joinpath(name).is_file() else HOME)

    return Environment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
