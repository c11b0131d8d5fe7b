"""The base: one bundle for every front end, and a working import without anywidget."""

from __future__ import annotations

import subprocess
import sys

from nnlib.widgets import Figure, Prediction, WorkedNetwork


def test_bundle_offers_the_live_view_an_iframe_and_a_sentence() -> None:
    bundle, _ = WorkedNetwork()._repr_mimebundle_()

    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bundle["text/html"].startswith("<iframe title=")
    assert "output 0.6903, target 0.5, loss 0.0181" in bundle["text/plain"]


def test_class_named_in_camel_case_finds_its_module_in_snake_case() -> None:
    assert "export function deadWeights" in str(WorkedNetwork._esm)


def test_two_figures_of_a_class_do_not_share_state() -> None:
    first, second = WorkedNetwork(), WorkedNetwork()

    first.weights = [0.0] * 6

    assert second.weights == [0.1, 0.8, 0.4, 0.6, 0.3, 0.9]


def test_subclass_without_a_module_keeps_its_parents() -> None:
    class Quieter(WorkedNetwork):
        purpose = "The same picture under another name."

    assert "export function deadWeights" in str(Quieter()._esm)


def test_prediction_starts_empty_and_is_shared() -> None:
    figure = Figure(key="k")

    assert figure.state() == {"key": "k", "prediction": ""}


def test_without_anywidget_the_figure_still_shows_and_names_the_install_command() -> None:
    code = """
import sys
sys.modules["anywidget"] = sys.modules["traitlets"] = sys.modules["ipywidgets"] = None
import nnlib.widgets as widgets
from nnlib.widgets import Question, WorkedNetwork
figure = WorkedNetwork(inputs=[0.0, 0.9])
bundle, _ = figure._repr_mimebundle_()
assert sorted(bundle) == ["text/html", "text/plain"], sorted(bundle)
assert figure.inputs == [0.0, 0.9] and WorkedNetwork().inputs == [0.35, 0.9]
assert '"inputs": [0.0, 0.9]' in bundle["text/html"]
told = {"key": "k", "question": "q", "answer": 1, "because": "b"}
questions = [Question("q", ["yes", "no"], 0, "b")]
needs = {"Prediction": told, "SelfCheck": {"key": "k", "questions": questions}}
for name in set(widgets.__all__) - {"Question"}:
    page = getattr(widgets, name)(**needs.get(name, {}))._repr_mimebundle_()[0]["text/html"]
    assert page.startswith("<iframe title="), name
"""

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert "python -m pip install anywidget" in done.stdout
    assert done.stdout.startswith("WorkedNetwork: anywidget is not installed")


def test_text_of_a_prediction_is_its_question() -> None:
    prediction = Prediction(key="k", question="How many?", answer=3, because="Count.")

    assert repr(prediction) == "Prediction: How many?"
