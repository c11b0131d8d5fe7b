"""What the figure of gradient flow claims, against PyTorch's gradients and theory."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from nnlib.diagnostics import gradient_gain
from nnlib.widgets import GradientFlow
from nnlib.widgets._random import normals
from nnlib.widgets.gradient_flow import (
    ACTIVATIONS,
    EPS,
    INITIALIZERS,
    LEAK,
    ROWS,
    STRUCTURES,
    WIDTH,
    Flow,
    activate,
    expected_factor,
    factor,
    flow,
    ratio,
    verdict,
)

Node = Callable[[str, str], Any]
SEEDS = range(5)

PHI: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky": lambda z: functional.leaky_relu(z, LEAK),
    "gelu": lambda z: functional.gelu(z, approximate="tanh"),
}


def by_torch(depth: int, activation: str, init: str, structure: str, seed: int) -> dict[str, Any]:
    """Build the same network in PyTorch and return the four lists."""
    std = INITIALIZERS[init]
    drawn = torch.tensor(normals(3 * seed, depth * WIDTH**2)).reshape(depth, WIDTH, WIDTH)
    h = torch.tensor(normals(3 * seed + 1, ROWS * WIDTH)).reshape(ROWS, WIDTH)
    top = torch.tensor(normals(3 * seed + 2, ROWS * WIDTH)).reshape(ROWS, WIDTH) / ROWS
    weights = [(std * W).requires_grad_() for W in drawn]
    outputs, signal, slope = [], [], []
    for W in weights:
        z = h @ W
        if structure in {"norm", "both"}:
            z = functional.batch_norm(z, None, None, training=True, eps=EPS)
        probe = z.detach().requires_grad_()
        slopes = torch.autograd.grad(PHI[activation](probe).sum(), probe)[0]
        slope.append(float((slopes**2).mean()))
        y = PHI[activation](z)
        h = h + y if structure in {"residual", "both"} else y
        h.retain_grad()
        outputs.append(h)
        signal.append(float((h.detach() ** 2).mean().sqrt()))
    (h * top).sum().backward()
    lengths = [[float(torch.linalg.norm(t.grad)) for t in group] for group in (outputs, weights)]
    return {
        "signal": signal,
        "gradient": lengths[0],
        "weight_gradient": lengths[1],
        "slope": slope,
    }


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_lengths_are_those_of_pytorch(structure: str, activation: str) -> None:
    for depth, init, seed in [(2, "xavier", 1), (7, "he", 2), (12, "large", 3), (9, "small", 0)]:
        found = flow(depth, activation, init, structure, seed)

        expected = by_torch(depth, activation, init, structure, seed)

        for name, values in found._asdict().items():
            # float64 rounding, amplified a little by each layer
            np.testing.assert_allclose(values, expected[name], rtol=1e-7, err_msg=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slope_is_the_derivative(activation: str) -> None:
    z = np.array([-3.1, -0.4, 0.2, 1.7])
    h = 1e-6

    (high, _), (low, _) = activate(activation, z + h), activate(activation, z - h)

    # truncation h² and rounding 1e-16 / h
    np.testing.assert_allclose(activate(activation, z)[1], (high - low) / (2 * h), atol=1e-9)


def test_slope_of_relu_at_zero_is_zero() -> None:
    assert activate("relu", np.zeros(1))[1].item() == 0


def test_javascript_computes_the_same(node: Node, rng: np.random.Generator) -> None:
    cases = [
        [int(rng.integers(2, 51)), activation, str(rng.choice([*INITIALIZERS])), structure, seed]
        for seed, (activation, structure) in enumerate(product(ACTIVATIONS, STRUCTURES))
    ]

    answers = node("gradient_flow.js", f"{json.dumps(cases)}.map((c) => m.flow(...c))")

    for case, answer in zip(cases, answers, strict=True):
        for name, values in flow(*case)._asdict().items():
            theirs = np.array(answer[name], float)  # JSON writes 1e20 as a whole number
            # Rounding in the last bit grows with each of up to 50 layers.
            np.testing.assert_allclose(theirs, values, rtol=1e-6, err_msg=f"{case} {name}")


@pytest.mark.parametrize("init", INITIALIZERS)
def test_javascript_draws_the_same_conclusions(node: Node, init: str) -> None:
    found = flow(30, "tanh", init, "plain", 4)

    call = f'((f) => [m.ratio(f), m.factor(f), m.expectedFactor(f, "{init}"), m.verdictOn(f)])'
    answer = node("gradient_flow.js", f'{call}(m.flow(30, "tanh", "{init}", "plain", 4))')

    mine = [ratio(found), factor(found), expected_factor(found, init)]
    np.testing.assert_allclose(answer[:3], mine, rtol=1e-6)
    assert answer[3] == verdict(found)


def first_vanishing(seed: int) -> int:
    depths = range(2, 51)
    return next(d for d in depths if ratio(flow(d, "sigmoid", "xavier", "plain", seed)) < 1e-3)


def test_question_is_settled_by_six_sigmoid_layers(node: Node) -> None:
    assert [first_vanishing(seed) for seed in SEEDS] == [6] * len(SEEDS)
    assert node("gradient_flow.js", 'm.firstVanishing("sigmoid", "xavier")') == 6


@pytest.mark.parametrize("seed", SEEDS)
def test_one_sigmoid_layer_passes_on_a_quarter_at_most(seed: int) -> None:
    """With Xavier's variance 1/n the weights alone would keep the size."""
    gradient = flow(50, "sigmoid", "xavier", "plain", seed).gradient

    factors = [first / second for first, second in pairwise(gradient)]

    assert 0.2 < np.exp(np.mean(np.log(factors))) < 0.25


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_factor_of_a_plain_layer_is_close_to_theory(activation: str, init: str) -> None:
    """Within 20 %: theory takes gradients and slopes to be independent, and GELU's are not."""
    for seed in SEEDS:
        found = flow(50, activation, init, "plain", seed)

        assert factor(found) == pytest.approx(expected_factor(found, init), rel=0.2)


@pytest.mark.parametrize(("init", "variance"), [("xavier", 1 / WIDTH), ("he", 2 / WIDTH)])
def test_theory_for_relu_is_the_librarys_gradient_gain(init: str, variance: float) -> None:
    found = flow(50, "relu", init, "plain")

    gain = gradient_gain(WIDTH, WIDTH, variance, "relu")

    assert expected_factor(found, init) == pytest.approx(gain**0.5, rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_xavier_is_short_by_the_root_of_one_half_a_layer_under_relu_and_he_is_not(
    seed: int,
) -> None:
    xavier, he = (flow(50, "relu", init, "plain", seed) for init in ("xavier", "he"))

    assert factor(xavier) / factor(he) == pytest.approx(0.5**0.5, rel=1e-9)
    assert (verdict(xavier), verdict(he)) == ("vanishing", "healthy")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_batch_norm_makes_the_size_of_the_weights_nearly_irrelevant(
    activation: str, seed: int
) -> None:
    factors = [factor(flow(50, activation, init, "norm", seed)) for init in INITIALIZERS]

    assert max(factors) < 1.05 * min(factors)  # plain layers differ by a factor of 100


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_fifty_relu_layers_with_batch_norm_explode(init: str, seed: int) -> None:
    """Yang et al. (2019), ICLR, A mean field theory of batch normalization, predict it."""
    found = flow(50, "relu", init, "norm", seed)

    assert verdict(found) == "exploding"
    assert 1.2 < factor(found) < 1.35  # their 1.21 holds for infinite batches, ours has 16 rows


@pytest.mark.parametrize(("activation", "init"), [*product(ACTIVATIONS, INITIALIZERS)])
@pytest.mark.parametrize("structure", ["residual", "both"])
def test_no_residual_network_vanishes(structure: str, activation: str, init: str) -> None:
    ratios = [ratio(flow(50, activation, init, structure, seed)) for seed in SEEDS]

    assert min(ratios) > 0.9


def test_residual_paths_explode_with_he_and_not_with_small_weights_or_batch_norm() -> None:
    for seed in SEEDS:
        assert verdict(flow(50, "relu", "he", "residual", seed)) == "exploding"
        assert ratio(flow(50, "relu", "small", "residual", seed)) < 2
        assert verdict(flow(50, "relu", "he", "both", seed)) == "healthy"


def test_weight_gradients_look_healthy_by_their_ratio_where_all_are_small() -> None:
    for seed in SEEDS:
        found = flow(50, "relu", "xavier", "plain", seed)
        first, last = found.weight_gradient[0], found.weight_gradient[-1]

        assert verdict(found) == "vanishing"
        assert 0.1 < first / last < 10
        assert max(first, last) < 1e-5


def test_large_weights_make_tanh_explode_although_it_saturates() -> None:
    assert all(verdict(flow(50, "tanh", "large", "plain", s)) == "exploding" for s in SEEDS)


def test_gradient_falls_in_a_straight_line_on_a_log_scale() -> None:
    logs = np.log10(flow(40, "sigmoid", "xavier", "plain").gradient)

    assert np.corrcoef(np.arange(40), logs)[0, 1] > 0.999


def expected_remark(found: Flow, activation: str, init: str, structure: str) -> str:
    """Return words that the remark must hold, from the numbers alone."""
    r, f = ratio(found), factor(found)
    if structure == "both":
        return "growth stays slow"
    if structure == "residual":
        return "the layers add almost nothing" if f < 1.03 else f"add up to {f:.2f}: nothing van"
    if structure == "norm":
        return f"still it explodes, by {f:.2f} a" if r > 1e3 else f"the factor is {f:.2f} a layer"
    if r < 1e-3:
        by_slope = activation == "sigmoid" and init != "large"
        return "slope of a sigmoid is at most" if by_slope else "together pass on too little"
    if r > 1e3:
        return "each layer passes on more than it got"
    if 0.3 < r < 3 and 0.9 < f < 1.1:
        return "arrives at about the size it left with"
    return f"by about {f:.2f}, so the first gets {readable(r)} times as much as the last"


def readable(v: float) -> str:
    """Return a number as the figure writes it."""
    if v < 0.01 or v >= 1000:
        mantissa, power = f"{v:.1e}".split("e")
        return (
            f"{mantissa}·10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
        )
    digits = 0 if v >= 100 else 3 if v < 0.1 else 2 if v < 10 else 1
    return f"{v:.{digits}f}"


@pytest.mark.parametrize("structure", STRUCTURES)
def test_remark_says_what_the_numbers_bear_out(node: Node, structure: str) -> None:
    """Where the gradient has lost much, but not all, no balance is claimed."""
    grid = [*product((2, 3, 5, 18, 50), ACTIVATIONS, INITIALIZERS)]

    remarks = node(
        "gradient_flow.js",
        f"{json.dumps(grid)}.map(([depth, activation, init]) => m.remarkOn("
        f'{{structure: "{structure}", init, activation}}, '
        f'm.flow(depth, activation, init, "{structure}")))',
    )

    for (depth, activation, init), remark in zip(grid, remarks, strict=True):
        found = flow(depth, activation, init, structure)
        assert expected_remark(found, activation, init, structure) in remark
        if structure == "both":
            assert factor(found) < 1.6
            assert verdict(found) == "healthy"


@pytest.mark.parametrize(
    "case",
    [(18, "relu", "xavier", "plain"), (30, "tanh", "he", "norm"), (40, "gelu", "large", "plain")],
)
def test_table_shows_the_numbers_of_python(node: Node, case: tuple[int, str, str, str]) -> None:
    depth, activation, init, structure = case
    found = flow(depth, activation, init, structure)

    shown = node(
        "gradient_flow.js",
        f'm.readings({{structure: "{structure}", init: "{init}"}}, m.flow(...{json.dumps(case)}))',
    )

    theory = expected_factor(found, init)
    assert shown == [
        readable(ratio(found)),
        verdict(found),
        f"{factor(found):.3f}",
        f"{theory:.3f}" if structure == "plain" else "plain only",
        readable(found.weight_gradient[0]),
        readable(found.weight_gradient[-1]),
    ]


def test_results_follow_controls_that_python_sets() -> None:
    figure = GradientFlow()

    figure.activation, figure.init, figure.depth = "relu", "large", 50

    assert figure.verdict == "exploding"
    assert figure.ratio == ratio(flow(50, "relu", "large", "plain"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "swish"}, r"activation is 'swish', expected one of .*'sigmoid'"),
        ({"init": "lecun"}, r"init is 'lecun', expected one of .*'he'"),
        ({"structure": "dense"}, r"structure is 'dense', expected one of .*'residual'"),
        ({"depth": 51}, r"depth is 51, expected a whole number from 2 to 50"),
    ],
)
def test_unknown_choice_is_refused_with_the_known_ones(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GradientFlow(**given)
