# %% [markdown]
# # Gradient flow: vanishing, exploding, and the cures
#
# *Unit 03 · 2.5 hours · needs: [unit 01](../01-backpropagation/01-backpropagation.ipynb), mean and variance of random numbers*
#
# A network of two layers reads handwritten digits within seconds. We put more of the same layers in between. With some
# depths and some starting weights it then learns nothing at all, although its code is right and every gradient passes
# its check. Where does the learning go?
#
# At the end of this unit we can
#
# - say, before any training, what share of the gradient will arrive at the first layer, and measure it;
# - choose starting weights so that it arrives, and say why Xavier's and He's rules look as they do;
# - clip a gradient, and write batch normalization forward and backward;
# - look at the recording of a sick run and name what it has.
#
# Two and a half hours are meant for the part before *Going further*; the first readers took up to four. A good place for a
# break is marked.

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% [markdown]
# ## What happens if we keep adding layers?
#
# The *depth* of a network is its number of linear layers. Between any two of them stands an activation, in this section
# the sigmoid. All hidden layers have 32 units.
#
# The starting weights are drawn from a normal distribution with mean 0 and the variance
# $2/(\text{inputs} + \text{outputs})$ of the layer. This is *Xavier's rule*. Where it comes from, we shall see.
# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Prediction

Prediction(
    key="03-depth",
    question=(
        "Sigmoid networks of depth 2, 4, 8, 16 and 32 are trained on digits, with the same number "
        "of steps and the same rate. Which one reads the held-out digits best?"
    ),
    choices=[
        "Depth 32: more layers can express more",
        "Depth 8: enough layers, and still trainable",
        "Depth 2",
    ],
    answer=2,
    because=(
        "More layers can express more. Whether training finds it is another question: here each "
        "further layer makes it harder, and from depth 8 on nothing is learned."
    ),
)

# %% [markdown]
# This cell loads the digits, holds every fifth one out, and says what *network* and *score* mean in this unit. One mean
# and one standard deviation, those of all training pixels together, bring the inputs to mean 0 and mean square 1.

# %% tags=["figure"]
from functools import partial
from itertools import pairwise

from nnlib import (
    GELU,
    SGD,
    BatchNorm1d,
    CrossEntropy,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tanh,
    datasets,
    fit,
    initializers,
)
from nnlib.errors import NonFiniteError
from nnlib.initializers import he_normal as he
from nnlib.initializers import xavier_normal as xavier

digits = datasets.load("digits")
held_out = np.arange(len(digits.X)) % 5 == 0
center, spread = digits.X[~held_out].mean(), digits.X[~held_out].std()
X, y = (digits.X[~held_out] - center) / spread, digits.y[~held_out]
X_held, y_held = (digits.X[held_out] - center) / spread, digits.y[held_out]


def network(depth, activation, init, seed, norm=False, residual=False, width=32, dtype=np.float32):
    """Build a network; norm and residual are for later sections."""
    rng, layers = np.random.default_rng(seed), []
    for i in range(depth - 1):
        block = [Linear(width if i else 64, width, init=init, rng=rng, dtype=dtype)]
        block += [BatchNorm1d(width, dtype=dtype)] if norm else []
        block += [activation()]
        layers += [Residual(*block)] if residual and i else block
    return Sequential(*layers, Linear(width, 10, init=init, rng=rng, dtype=dtype))


def score(model, lr, callbacks=(), epochs=5):
    """Train with batches of 64; return the share of held-out digits that are read right."""
    try:
        fit(model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=lr), epochs=epochs,
            batch_size=64, callbacks=callbacks, rng=0, progress=False)  # fmt: skip
    except NonFiniteError:
        return 0.1  # the loss became infinite: this network guesses
    model.eval()
    return float(np.mean(model.predict(X_held).argmax(axis=1) == y_held))


for depth in (2, 4, 8, 16, 32):
    scores = [score(network(depth, Sigmoid, xavier, seed), lr=0.3, epochs=10) for seed in range(3)]
    print(f"depth {depth:>2}: {np.mean(scores):5.1%} ± {np.std(scores):4.1%}  (3 seeds)")

# %% [markdown]
# Two layers read 94 % of the held-out digits, four layers a third of them. With eight or more the network gives every
# picture the same digit, and the shares of the ten digits lie between 7 and 13 %: in this unit, 7 to 13 % means that a
# network guesses. (For a run that diverges we put in 10 %.) All had the same 230 updates.
#
# ## How much of the gradient arrives?
#
# From here on a *layer* is a linear layer together with the activation behind it, and $h_l$ is what layer $l$ gives;
# the last layer has no activation, and gives the logits. Backpropagation computes $\partial L/\partial h_l$ for the
# last layer first, from it that of the layer before, and so on down to layer 1. We call it *the gradient that arrives
# at layer $l$*. Its *length* is the root of the sum of the squares of all its entries: how strongly the loss reacts to
# what this layer gives.
#
# The figure sends random rows forward through a random network and a random gradient back, without any training. Its
# controls for He's weights, batch norm and residual paths belong to later sections. We come back to it.

# %% tags=["figure"]
from nnlib.widgets import GradientFlow

GradientFlow()

# %% [markdown]
# What to see: on the logarithmic scale the lines are straight. Each layer multiplies the gradient by about the same
# factor, and a factor to the power of the depth becomes tiny or huge unless it is close to 1. What the figure does not
# show: real data and a real loss. We measure these now, by going back layer by layer ourselves.


# %% tags=["figure"]
def arriving(model, rows=256, inputs=X):
    """Return the length of the gradient that arrives at each layer, first layer first."""
    loss = CrossEntropy()
    loss.forward(model.forward(inputs[:rows]), y[:rows])
    dy = loss.backward()
    lengths = [float(np.linalg.norm(dy))]
    for layer in reversed(model.layers):
        if not isinstance(layer, Linear | BatchNorm1d):  # dy stands at the output of a hidden layer
            lengths.append(float(np.linalg.norm(dy)))
        dy = layer.backward(dy)
    return np.array(lengths[::-1])


lengths = arriving(network(20, Sigmoid, xavier, seed=0, dtype=np.float64))
for number in (20, 19, 18, 10, 2, 1):
    print(f"layer {number:>2}: {lengths[number - 1]:.1e}")
print(f"from layer to layer: a factor of {(lengths[0] / lengths[-2]) ** (1 / 18):.3f}")

# %% [markdown]
# The gradient takes 19 steps from layer 20 to layer 1. The first is of another kind: the last layer has no activation
# and only ten outputs, and here the gradient even grows. So the factor is that of the other 18 steps, from layer 19 to
# layer 1. Less than a quarter survives each of them, and $0.228^{18}$ is $3\cdot10^{-12}$: a few millionths of a
# millionth of what layer 19 is told arrive at layer 1. This is a *vanishing* gradient; where each layer makes it
# longer, it is an *exploding* one. Hochreiter described both in 1991, in networks that read a sequence step by step,
# where each step is one more layer.
#
# ## Where does the factor come from?
#
# On its way from $h_{l+1}$ to $h_l$ the gradient passes two stations, both in layer $l+1$. First its activation
# $\varphi$: each entry is multiplied by the slope at what came in, $dz = \varphi'(z)\,dh_{l+1}$. Second its weights:
# $dh_l = dz\,W^\mathsf{T}$, the entry $i$ of which is
#
# $$(dh_l)_i = \sum_k W_{ik}\; dz_k ,$$
#
# a sum of as many terms as layer $l+1$ has outputs. This number is called its *fan out*, and that of its inputs *fan
# in*. Let the weights be random, independent of each other and of $dz$, with mean 0 and variance $\text{Var}(w)$. When
# the sum is squared, the products of *different* terms have mean 0, because their weights are as often of equal as of
# opposite sign. What is left are the squares:
#
# $$\text{mean}(dh_l^2) = \text{fan out} \cdot \text{Var}(w) \cdot \text{mean}(dz^2) .$$
#
# Both stations together:
#
# $$\frac{\text{mean}(dh_l^2)}{\text{mean}(dh_{l+1}^2)} \;\approx\; \underbrace{\text{mean}(\varphi'(z)^2) \cdot \text{fan out} \cdot \text{Var}(w)}_{\text{gain}} .$$
#
# The gain is about *squares*: the length itself is multiplied by $\sqrt{\text{gain}}$. For the sigmoid the slope is
# $\sigma(1-\sigma)$, at most $\frac14$. With Xavier's variance fan out · Var(w) is 1 in a square layer, so the gain is
# at most $\frac1{16}$, and the factor for the length at most $\frac14$. That is the quarter that we have measured.
#
# Does the formula hold for other activations? We compare, with He's weights of variance 2/fan in: twice Xavier's, so
# that the sigmoid may now have up to $\frac18$. LeakyReLU has the slope 0.1 for negative inputs, GELU is a smooth
# relative of ReLU.

# %% tags=["figure"]
LeakyReLU10 = partial(LeakyReLU, 0.1)
activations = {
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "ReLU": ReLU,
    "LeakyReLU": LeakyReLU10,
    "GELU": GELU,
}


def predicted_and_measured(activation, seed):
    """Return the gain from layer 7 to layer 6: by the formula, and as it is."""
    model = network(12, activation, he, seed, width=64, dtype=np.float64)
    lengths = arriving(model)  # leaves in every layer the values of this batch
    linear, phi = model.layers[12], model.layers[13]  # layer 7
    slope = phi.backward(np.ones((256, 64)))  # φ'(z) times 1
    return np.mean(slope**2) * 64 * linear.W.var(), (lengths[5] / lengths[6]) ** 2


for name, activation in activations.items():
    gains = np.array([predicted_and_measured(activation, seed) for seed in range(5)])
    (by_formula, measured), spread_of = gains.mean(axis=0), gains.std(axis=0)[1]
    print(
        f"{name:<10} gain by formula {by_formula:5.3f}   measured {measured:5.3f} ± {spread_of:.3f}"
    )

# %% [markdown]
# The formula agrees with the measurement within the scatter of the random weights (mean ± standard deviation over 5
# seeds). It also says what can be done: the slopes come with the activation, but the variance of the weights is ours to
# choose.
#
# ## Which starting weights keep the gradient?
#
# For the gradient to keep its size, the gain must be 1:
# $\text{Var}(w) = 1/(\text{fan out} \cdot \text{mean}(\varphi'^2))$. The signal on the way *forward* has a wish of its
# own. There $z_k = \sum_i h_i W_{ik}$ sums over the *inputs*, and by the same argument
#
# $$\text{mean}(z^2) = \text{fan in} \cdot \text{Var}(w) \cdot \text{mean}(h^2) .$$
#
# Near 0 the tanh is a straight line of slope 1. Then the way forward asks for $1/\text{fan in}$, the way back for
# $1/\text{fan out}$, and Glorot and Bengio (2010) take the compromise
# $\text{Var}(w) = 2/(\text{fan in} + \text{fan out})$. It is called *Xavier's rule*, after Xavier Glorot's first name.
#
# ReLU is different: it sets everything below 0 to zero. $z$ is as often negative as positive, so half of the mean
# square is lost on the way forward, and half of the slopes are 0 on the way back. He and others (2015) make up for this
# half:
#
# $$\text{Var}(w) = \frac{2}{\text{fan in}} .$$
#
# This is the wish of the way forward; the gradient alone would ask for 2/fan out. They follow the first, because over
# the whole network the difference is one factor, last fan out over first fan in, and no power of the depth.
#
# One factor of 2; how much can it matter?

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="03-half",
    question=(
        "A ReLU network of depth 50 starts with Xavier's weights in place of He's: half the "
        "variance. By what is the gradient's length multiplied from layer 49 to layer 1?"
    ),
    choices=["About one half", "About 1/50", "Less than 1/1,000,000"],
    answer=2,
    because="Each of 48 steps multiplies it by √½ = 0.707, and 0.707 to the power of 48 is 6 · 10⁻⁸.",
)

# %% [markdown]
# Write He's rule. The random numbers are handed in: `z` holds one standard normal number (mean 0, variance 1) for each
# weight. What must it be multiplied by, so that the *variance* is the wanted one?


# %% exercise="he_normal"
def he_normal(fan_in, fan_out, z):
    """Turn standard normal numbers into starting weights by He's rule.

    Parameters: fan_in and fan_out, the numbers of inputs and outputs of the layer; z
    (fan_in, fan_out), standard normal numbers, which must be the same after the call.
    Returns: W (fan_in, fan_out), the same numbers with the variance of He's rule.

    Example: in a layer with 8 inputs, z = 3 becomes the weight 1.5, whatever fan_out is.
    """
    ### BEGIN SOLUTION
    return z * np.sqrt(2 / fan_in)
    ### END SOLUTION


# %% check="he_normal"
check("he_normal")

# %% [markdown]
# ## What does the whole map look like?
#
# Five activations, four kinds of starting weights, depths from 2 to 50: 120 kinds of network. We build each of them
# twice, from two seeds, and measure how long the gradient is that arrives at layer 1, compared with that at the last layer. The
# numbers are powers of ten, the mean of the two: $-6$ says that a millionth arrives.

# %% tags=["figure"]
from nnlib.plotting import TRAINING, new_axes, show

inits = {
    "normal, 0.01": partial(initializers.normal, std=0.01),
    "Xavier": xavier,
    "He": he,
    "normal, 1": partial(initializers.normal, std=1.0),
}
depths = (2, 5, 10, 20, 30, 50)


def log_ratio(model):
    lengths = arriving(model, rows=64)
    return np.log10(lengths[0] / lengths[-1])


def row(activation, init, seeds=2):
    return [
        np.mean([
            log_ratio(network(d, activation, init, s, dtype=np.float64)) for s in range(seeds)
        ])
        for d in depths
    ]


flow_map = {(a, i): row(activations[a], inits[i]) for i in inits for a in activations}


# %% tags=["figure"]
def draw_map(panel, values, columns, first):
    """Draw powers of ten: blue vanishes, red explodes."""
    panel.imshow(values, cmap="RdBu_r", vmin=-12, vmax=12, aspect="auto")
    panel.grid(visible=False)
    panel.set_xticks(range(len(columns)), columns)
    panel.set_yticks(range(5), activations if first else [""] * 5)
    for (i, j), value in np.ndenumerate(values):
        shade = "white" if abs(value) > 7 else "black"
        panel.text(j, i, round(value), ha="center", va="center", fontsize=8, color=shade)


figure, panels = new_axes(4, width=2.9, height=2.6)
for panel, init in zip(panels, inits, strict=True):
    values = np.array([flow_map[a, init] for a in activations])
    draw_map(panel, values, depths, first=init == "normal, 0.01")
    panel.set(title=f"weights: {init}", xlabel="depth")
show(
    figure,
    "Powers of ten of the gradient at the first over that at the last layer. Weights of standard deviation 0.01 make "
    "every gradient vanish, weights of standard deviation 1 make all but the sigmoid's explode. Xavier's weights keep "
    "it for tanh, He's for ReLU and LeakyReLU; the sigmoid's vanishes with both.",
)

# %% [markdown]
# What to see: blue vanishes, red explodes, and near white the gradient keeps its size. With small weights everything
# vanishes, with large ones nearly everything explodes. In between, tanh keeps its gradient with both rules, ReLU and
# LeakyReLU with He's, GELU nearly so up to depth 20. For the sigmoid none of the four works. Half the variance costs
# ReLU seven powers of ten at depth 50. What the map does not show: whether this matters for learning.
#
# ## Does the arriving gradient decide what is learned?
#
# We train one network of depth 20 of each kind, twice, and set its score against what arrived before the first step.

# %% tags=["figure"]
at_20 = depths.index(20)
print(f"{'weights':<10}", *(f"{i:>14}" for i in inits), "  (power of ten: score)")
figure, (axes,) = new_axes(1, width=6.4)
learned = []  # the ratios of the networks that read clearly more than a guess
for a, marker in zip(activations, "osD^v", strict=True):
    ratios = [flow_map[a, i][at_20] for i in inits]
    scores = [
        np.mean([
            score(network(20, activations[a], inits[i], seed), 0.05, epochs=3) for seed in range(2)
        ])
        for i in inits
    ]
    axes.plot(ratios, scores, marker, color=TRAINING, alpha=0.7, label=a)
    learned += [ratio for ratio, right in zip(ratios, scores, strict=True) if right > 0.2]
    cells = [f"{ratio:6.1f}: {right:3.0%}" for ratio, right in zip(ratios, scores, strict=True)]
    print(f"{a:<10}", *(f"{cell:>14}" for cell in cells))
axes.axhline(0.1, color="black", linewidth=0.8, linestyle=":")
axes.set(xlabel="gradient at layer 1 over layer 20, power of ten", xlim=(-37, 15))
axes.set(ylabel="held-out digits right")
axes.legend(loc="center left")
show(
    figure,
    f"Only {len(learned)} of 20 networks learn anything in three epochs; their gradients arrive with "
    f"powers of ten between {min(learned):.1f} and {max(learned):.1f}. All others guess.",
)

# %% [markdown]
# What to see: of twenty kinds of network only five have learned anything after three epochs, and these are the five
# whose gradient arrives at between about a tenth and ten times its size. Against the rule, tanh does better with He's
# weights than with Xavier's: its slope is 1 only at 0 and less elsewhere, which somewhat larger weights make up for.
#
# What the picture does not show: that this is enough. ReLU with He's weights keeps its gradient perfectly and reads 24
# %, tanh with an equally long one 83 %. The way forward has a say too: Schoenholz and others (2017) computed how two
# different inputs become more and more alike from layer to layer, and found that networks train only about as deep as
# the difference lasts.
#
# ## Do the weights see the same gradient?
#
# The gradient of the weights, $\partial L/\partial W_l = x_l^\mathsf{T}\, dz_l$, is a product. It contains the gradient
# that arrives *and* the signal that came forward. So it can look quite different:

# %% tags=["figure"]
from nnlib.diagnostics import gradient_norms

print("ReLU, depth 30      arriving gradient             gradient of W")
print("               layer 1     15     29       layer 1     15     29")
for name, init in (("Xavier", xavier), ("He", he)):
    model = network(30, ReLU, init, seed=0, dtype=np.float64)
    lengths = arriving(model)
    of_W = [norm for p, norm in gradient_norms(model).items() if p.endswith("W")]
    print(
        f"{name:<12}",
        *(f"{lengths[i]:8.0e}" for i in (0, 14, 28)),
        "  ",
        *(f"{of_W[i]:8.0e}" for i in (0, 14, 28)),
    )

# %% [markdown]
# With Xavier's weights the arriving gradient falls by a factor of 20,000 on its way. The gradient of $W$ is about
# equally long everywhere: on the way forward the signal shrinks by the same factor a layer, and where one is small the
# other is large. So whoever compares the weights' gradients of first and last layer finds nothing, and yet all of them
# are more than ten thousand times shorter than with He's weights. This is why we look at $\partial L/\partial h$.
#
# ## How much depends on the starting weights?
#
# A limitation that is often named: training by gradients is *sensitive to where it starts*. Let us see how sensitive.
# We multiply He's weights by a factor from ¼ to 4 and train ReLU networks of four depths, all at the rate 0.05.

# %% tags=["figure"]
factors = (0.25, 0.5, 0.71, 1, 1.41, 2, 4)


def he_times(factor):
    return lambda fan_in, fan_out, rng: factor * he(fan_in, fan_out, rng)


by_factor = {}
print("factor    ", *(f"{factor:>10}" for factor in factors))
for depth in (2, 5, 10, 20):
    row_of = []
    for factor in factors:
        scores = [score(network(depth, ReLU, he_times(factor), seed), 0.05) for seed in range(3)]
        by_factor[depth, factor] = np.mean(scores)
        row_of.append(f"{np.mean(scores):4.0%} ± {np.std(scores):3.0%}")
    print(f"depth {depth:>2}  ", *(f"{entry:>10}" for entry in row_of))

# %% [markdown]
# With two layers any factor will do. With ten, twice the variance (a factor of 1.41) makes success a matter of luck, and
# with twenty only He's own weights learn at all. The reason is the power again: a factor of 1.41 in each layer is
# $1.41^{19} \approx 700$ over twenty. The ± says what other random numbers of the same size do: little where the size is
# right (3 %), and nearly everything at the edge (30 %). So the claim is right for deep networks, and the rules for
# starting weights are not a matter of taste there.
#
# ## What can be done about a step that is too long?
#
# The simplest cure treats the symptom. If a gradient is too long, shorten it before the step is taken. We put the
# gradients of all parameters into one vector, as the course always does, and look at its length, the *global norm*. If
# it exceeds a limit $c$, all entries are multiplied by one and the same factor, such that the length becomes $c$; else
# nothing happens. This is *gradient clipping* (Pascanu, Mikolov and Bengio 2013).

# %% tags=["figure"]
from nnlib.widgets import ClippedStep

ClippedStep()

# %% [markdown]
# What to see: only one common factor leaves the direction as it is. What the figure does not show: which limit is good.
# A usual way is to record the norms of some hundred steps and to take one that most of them stay below.


# %% exercise="clip_by_global_norm"
def clip_by_global_norm(gradients, max_norm):
    """Shorten a gradient that is too long; leave every other one alone.

    Parameters: gradients, a list of arrays of any shapes, one for each parameter, perhaps all
    zero; they must be the same after the call. max_norm, the largest length allowed, above 0.
    Returns: clipped, a list of arrays of the same shapes, and norm, the length of all gradients
    together *before* clipping. What needs no clipping may come back as it is.

    A length of exactly max_norm is not too long. What was too long has exactly the length max_norm
    afterward: nothing is added to a norm that something is divided by.

    Example: gradients = [[[3, 0], [0, -4]], [0, 12, 0]] have the norm 13. With max_norm = 6.5 they
    become [[1.5, 0], [0, -2]] and [0, 6, 0]; with max_norm = 20 they stay.
    """
    ### BEGIN SOLUTION
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm
    ### END SOLUTION


# %% check="clip_by_global_norm"
check("clip_by_global_norm")

# %% [markdown]
# What is it good for? ReLU networks of depth 10 with weights 1.3 times He's, so that gradients explode a little, at five
# learning rates:

# %% tags=["figure"]
from nnlib import ClipGradient

rates = (0.01, 0.03, 0.1, 0.3, 1.0)
print("rate          ", *(f"{rate:>11}" for rate in rates))
for limit in (None, 1.0, 0.3):
    row_of = []
    for rate in rates:
        clips = [[ClipGradient(limit)] if limit else [] for _ in range(3)]
        scores = [score(network(10, ReLU, he_times(1.3), s), rate, clips[s]) for s in range(3)]
        row_of.append(f"{np.mean(scores):4.0%} ± {np.std(scores):3.0%}")
    print(
        f"{'no clipping' if limit is None else f'limit {limit}':<14}", *(f"{e:>11}" for e in row_of)
    )

# %% [markdown]
# Without clipping the best rate reads 58 %; from 0.3 on all three runs diverge. With clipping none diverges, and the
# best rates, which are larger now, read 82 % and 78 %. (The best of five rates, chosen by these very digits, looks a
# little better than it is. Unit 06 takes care of this.) A clipped step is never longer than rate times limit, which is
# why the smaller limit wants the larger rate.
#
# What clipping cannot do: it multiplies all layers by the same number, so the *ratio* between them stays what it was.
# It bounds a step and does not mend the flow.
#
# Now your two functions. A network of depth 10, written out by hand, starts with your `he_normal` times 1.3, once with
# plain steps and once with steps clipped by your `clip_by_global_norm`. The code may be skipped; it repeats unit 01.

# %% tags=["drive"]
from grading.check import passed

if passed("he_normal", "clip_by_global_norm"):

    def run(clip, steps=115, lr=0.3, sizes=(64, *[32] * 9, 10)):
        rng = np.random.default_rng(0)
        Ws = [1.3 * he_normal(a, b, rng.normal(size=(a, b))) for a, b in pairwise(sizes)]
        norms = []
        for _ in range(steps):
            rows = rng.integers(0, len(X), 64)
            xs = [X[rows]]  # what each layer receives
            for W in Ws[:-1]:
                xs.append(np.maximum(xs[-1] @ W, 0))
            logits = xs[-1] @ Ws[-1]
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            dz = p / p.sum(axis=1, keepdims=True)
            dz[np.arange(64), y[rows]] -= 1
            dz /= 64
            gradients = []
            for i in reversed(range(10)):
                gradients.insert(0, xs[i].T @ dz)
                dz = (dz @ Ws[i].T) * (xs[i] > 0)  # of no use at the input, and harmless
            if clip:
                gradients, norm = clip_by_global_norm(gradients, 1.0)
                norms.append(norm)
            Ws = [W - lr * dW for W, dW in zip(Ws, gradients, strict=True)]
        h = X_held
        for W in Ws[:-1]:
            h = np.maximum(h @ W, 0)
        return np.mean((h @ Ws[-1]).argmax(axis=1) == y_held), norms

    with np.errstate(all="ignore"):  # without clipping the numbers overflow
        plain, _ = run(clip=False)
    clipped, norms = run(clip=True)
    print(f"your starting weights, plain steps:   {plain:.0%} of the held-out digits")
    print(f"your starting weights, clipped steps: {clipped:.0%}  (1 run, seed 0)")
    print(f"norms before clipping: median {np.median(norms):.1f}, largest {max(norms):.1f}")

# %% [markdown]
# ## What if every layer is normalized?
#
# Starting weights are right at the start. During training the weights move, and nobody watches any more. *Batch
# normalization* (Ioffe and Szegedy 2015) puts a guard between linear layer and activation, who makes every unit have
# mean 0 and variance 1, in every batch. Here $x$ is what comes in, the $z$ of the linear layer, and $\sigma^2$ is a
# variance; the sigmoid has no part in it. For one unit with the values $x_1, \dots, x_N$ in the $N$ rows of the batch:
#
# $$\mu = \frac1N\sum_n x_n, \qquad \sigma^2 = \frac1N \sum_n (x_n - \mu)^2, \qquad \hat x_n = \frac{x_n - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y_n = \gamma\,\hat x_n + \beta .$$
#
# The small number $\varepsilon$ keeps the root above zero. $\gamma$ and $\beta$ are parameters of the unit, which are
# learned; they start at 1 and 0. In code, for a batch of two units:

# %% tags=["nbval-check-output"]
x = np.array([[4.0, 5.0], [2.0, -5.0], [4.0, 1.0], [2.0, -1.0]])
mu, var = x.mean(axis=0), x.var(axis=0)  # one for each unit, over the rows
x_hat = (x - mu) / np.sqrt(var + 3.0)  # ε = 3 so that the roots are 2 and 4; usual is 1e-5
print("mean", mu, " variance", var)
print(x_hat)

# %% [markdown]
# Used in training, this has an odd consequence: what the network says about a row depends on the other rows of its
# batch. At the end we want an answer for a single row. So the layer has two modes. In *training* it uses the statistics
# of the batch and, beside this, keeps *running statistics*, which follow them slowly. With the *momentum* $m$, usually
# 0.1,
#
# $$\text{running} \leftarrow (1 - m)\,\text{running} + m\,\text{batch} .$$
#
# In *evaluation* it uses the running statistics and leaves them alone.

# %% tags=["figure"]
from nnlib.widgets import BatchNormLens

BatchNormLens()

# %% [markdown]
# What to see: in training the batch always comes out with the wanted mean and spread; the running statistics lag behind
# a sudden move. What the figure does not show: whether the network learns better for it.
#
# One detail. $\sigma^2$ divides by $N$ and describes this batch exactly. As an *estimate* of the variance of all data
# it is too small on average, by the factor $(N-1)/N$: the mean was taken from the same rows, and rows lie closer to
# their own mean than to that of all data. So the running variance takes in $\sigma^2\,N/(N-1)$, the *unbiased*
# variance, in this course as in PyTorch.


# %% exercise="batchnorm_forward"
def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps):
    """Normalize each feature of a batch, in training or in evaluation.

    Parameters: x (N, d); gamma, beta (d,); running_mean, running_var (d,), the running statistics
    before this batch; training, True or False; momentum, the weight of the new batch in the
    running statistics, from 0 to 1; eps, added to the variance under the root. All arrays must be
    the same after the call. N is at least 2 in training and may be 1 in evaluation.
    Returns: y (N, d), running_mean (d,), running_var (d,): the output and the running statistics
    after this batch, always all three.

    In training the batch is normalized with its own mean and biased variance (divided by N), and
    the running variance takes in the unbiased one (divided by N - 1). In evaluation the batch is
    normalized with the given running statistics, and they are returned as they came.

    Example: x = [[4], [2], [4], [2]], gamma = [2], beta = [10], running_mean = [1],
    running_var = [1], momentum = 0.25, eps = 3 give in training y = [[11], [9], [11], [9]],
    running_mean = [1.5] and running_var = [13/12]; in evaluation y = [[13], [11], [13], [11]], and
    [1] and [1] come back.
    """
    ### BEGIN SOLUTION
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean, running_var
    n = len(x)
    mean, var = x.mean(axis=0), x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    running_mean = (1 - momentum) * running_mean + momentum * mean
    running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return gamma * x_hat + beta, running_mean, running_var
    ### END SOLUTION


# %% check="batchnorm_forward"
check("batchnorm_forward")

# %% [markdown]
# What does it cost to forget the mode? We train a small network with batch normalization and judge it in both, in
# training mode with batches of different sizes.

# %% tags=["figure"]
model = network(5, ReLU, he, seed=0, norm=True)
print(f"evaluation: {score(model, lr=0.1):.0%} of the held-out digits, whatever the batch")
model.train()
for size in (2, 4, 18, 180):
    with model.frozen():  # the running statistics stay as they are
        batches = np.split(X_held, 360 // size)
        guesses = np.concatenate([model.forward(batch).argmax(axis=1) for batch in batches])
    print(f"training, batches of {size:>3}: {np.mean(guesses == y_held):.0%}")

# %% [markdown]
# The same weights read 95 % or 31 %, depending on one flag. In training mode a picture among two is compared with a
# single other one, and which digit that is decides the answer. With large batches the difference is small, which is why
# this mistake is so easily overlooked.
#
# *A good place for a break.*
#
# ## How does a gradient pass through a batch?
#
# $\gamma$ and $\beta$ serve all rows, as a bias does, so each collects a sum over the rows: of $dy_n$ times what stands
# beside it in $y_n = \gamma\,\hat x_n + \beta$. The way to $x$ is longer.
#
# Take one unit; $i$ and $n$ count its rows. Write $g_n = \gamma\,dy_n$ for the gradient at $\hat x_n$, and
# $s = 1/\sqrt{\sigma^2 + \varepsilon}$, so that $\hat x_n = (x_n - \mu)\,s$. If $\mu$ and $s$ were constants, as in
# evaluation, $dx$ would be $s\,g$. In training they are not. A single $x_i$ moves $\mu$, and through $\mu$ *all*
# $\hat x_n$; and it moves $\sigma^2$, and through it again all of them. Three derivatives are needed:
#
# $$\frac{\partial \mu}{\partial x_i} = \frac1N, \qquad \frac{\partial \sigma^2}{\partial x_i} = \frac2N (x_i - \mu), \qquad \frac{\partial s}{\partial x_i} = -\tfrac12 s^3 \cdot \frac{\partial \sigma^2}{\partial x_i} = -\frac{s^2}{N}\,\hat x_i .$$
#
# (In the second, that $\mu$ moves too contributes nothing, since the deviations from the mean sum to 0.) With the
# product rule, and $[n = i]$ for 1 if $n = i$, else 0,
#
# $$\frac{\partial \hat x_n}{\partial x_i} = s\Bigl([n = i] - \frac1N\Bigr) + (x_n - \mu)\,\frac{\partial s}{\partial x_i} = s\,\Bigl([n = i] - \frac1N - \frac{\hat x_n\,\hat x_i}{N}\Bigr) .$$
#
# $x_i$ acts on the loss through all $\hat x_n$, so what remains is to sum:
# $dx_i = \sum_n g_n\,\partial \hat x_n/\partial x_i$. Each of the three terms becomes something plain. Two of them hold
# a mean over the rows: of what?

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="03-shift",
    question=(
        "We add the same small number to all x of one unit, in all rows of a batch in training. "
        "By how much does the loss change?"
    ),
    choices=["By that number times the sum of dy", "Not at all", "That depends on γ"],
    answer=1,
    because=(
        "The mean moves along and is subtracted again: y stays as it is. So each column of dx "
        "sums to 0, a test that needs no reference."
    ),
)


# %% exercise="batchnorm_backward"
def batchnorm_backward(x, gamma, dy, eps):
    """Carry the gradient at the output of batch normalization in training back to x, gamma, beta.

    The forward pass was y = gamma * x_hat + beta, with x_hat = (x - mean) / sqrt(var + eps) and
    mean and biased variance of this batch, feature by feature.

    Parameters: x (N, d), the input of the forward pass; gamma (d,); dy (N, d), the gradient at y,
    which already holds the 1/N of the mean loss; eps, a number.
    Returns: dx (N, d), dgamma (d,), dbeta (d,).

    Example: x = [[4], [2], [4], [2]], gamma = [2], dy = [[4], [0], [0], [0]], eps = 3 give
    dx = [[2.75], [-0.75], [-1.25], [-0.75]], dgamma = [2], dbeta = [4].
    """
    ### BEGIN SOLUTION
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward"
check("batchnorm_backward")

# %% [markdown]
# Now a network that learned nothing: sigmoids, depth 16. Between linear layer and sigmoid stand your two functions. The
# code around them may be skipped.

# %% tags=["drive"]
if passed("batchnorm_forward", "batchnorm_backward"):
    rng = np.random.default_rng(0)
    sizes = (64, *[32] * 15, 10)
    Ws = [rng.normal(size=(a, b)) * np.sqrt(2 / (a + b)) for a, b in pairwise(sizes)]
    gammas, betas = [np.ones(32) for _ in range(15)], [np.zeros(32) for _ in range(15)]
    means, variances = [np.zeros(32) for _ in range(15)], [np.ones(32) for _ in range(15)]

    def forward(rows, training):
        hs, zs = [rows], []  # what each layer gives, and what comes into each norm
        for i in range(15):
            zs.append(hs[i] @ Ws[i])
            y_i, means[i], variances[i] = batchnorm_forward(
                zs[i], gammas[i], betas[i], means[i], variances[i], training, 0.1, 1e-5
            )
            hs.append(1 / (1 + np.exp(-y_i)))
        return hs, zs

    for _ in range(10):
        for rows in np.array_split(rng.permutation(len(X)), 22):
            hs, zs = forward(X[rows], training=True)
            e = np.exp(hs[15] @ Ws[15])
            dz = e / e.sum(axis=1, keepdims=True)
            dz[np.arange(len(rows)), y[rows]] -= 1
            dz /= len(rows)
            for i in reversed(range(16)):
                dh, dW = dz @ Ws[i].T, hs[i].T @ dz
                Ws[i] = Ws[i] - 0.3 * dW
                if i > 0:  # back through the sigmoid and the norm before layer i
                    dy = dh * hs[i] * (1 - hs[i])
                    dz, dgamma, dbeta = batchnorm_backward(zs[i - 1], gammas[i - 1], dy, 1e-5)
                    gammas[i - 1] = gammas[i - 1] - 0.3 * dgamma
                    betas[i - 1] = betas[i - 1] - 0.3 * dbeta
    hs, _ = forward(X_held, training=False)
    guesses = (hs[15] @ Ws[15]).argmax(axis=1)
    print(f"sigmoids, depth 16, your batch norm: {np.mean(guesses == y_held):.1%} (1 run, seed 0)")
    alone = score(network(16, Sigmoid, xavier, seed=0), lr=0.3, epochs=10)
    print(f"the same without it:                 {alone:.1%}")

# %% [markdown]
# ## Does batch normalization keep the gradient?
#
# It keeps the signal on the way forward, by force. What does it do to the gradient? We measure what arrives, with the
# same `arriving` as before.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="03-bn-relu",
    question=(
        "Networks of depth 50 with batch normalization, before any training. With which activation "
        "does the gradient at layer 1 stay closer in size to that at layer 50?"
    ),
    choices=["ReLU", "Sigmoid", "About the same with both"],
    answer=1,
    because=(
        "With the sigmoid it grows about tenfold, with ReLU more than ten thousandfold. The next "
        "cell measures it."
    ),
)


# %% tags=["figure"]
at_50 = {}
print("depth                      5      10      20      50   (power of ten, mean of 2 seeds)")
for name, activation in activations.items():
    for norm in (False, True):
        ratios = [
            [log_ratio(network(d, activation, he, s, norm, dtype=np.float64)) for s in range(2)]
            for d in (5, 10, 20, 50)
        ]
        at_50[name, norm] = np.mean(ratios[-1])
        label = f"{name:<10} {'batch norm' if norm else 'plain':<11}"
        print(label, *(f"{np.mean(r):7.1f}" for r in ratios))

# %% [markdown]
# For the sigmoid the cure could hardly be better: from $10^{-24}$ to ten, at depth 50. With ReLU it is the other way
# round. Without batch normalization He's weights kept the gradient; with it, it explodes, by more than four powers of
# ten. Yang and others (2019) have derived this: with ReLU each layer of batch normalization multiplies the mean square
# of the gradient by $\pi/(\pi - 1) = 1.47$ if batches are large, which for 49 layers makes $10^{4.1}$ for the length.
# We measure a little more. So batch normalization guards the forward signal; what it does to the gradient depends on
# the activation.
#
# It does make starting weights nearly irrelevant. A unit's values times ten have ten times the mean and ten times the
# spread, and $\hat x$ stays the same:

# %% tags=["figure"]
with_norm = {}
for factor in (0.25, 1, 4):
    models = [network(10, ReLU, he_times(factor), seed, norm=True) for seed in range(3)]
    scores = [score(model, lr=0.05) for model in models]
    with_norm[factor] = np.mean(scores)
    print(
        f"depth 10, batch norm, factor {factor:<4}: {np.mean(scores):4.0%} ± {np.std(scores):3.0%}"
    )

# %% [markdown]
# Without it these were 8 %, 84 % and 10 %. That the large factor still does worse has another reason. With weights ten
# times as long a unit has the same $\hat x$. To change it as much, a weight must now move ten times as far, so the slope
# of the loss is ten times smaller. A weight of 0.2 with a step of 0.01 becomes a weight of 2 with a step of 0.001:
# *relatively*, it moves a hundred times less (van Laarhoven 2017).
#
# ## What if the signal may go around a layer?
#
# A *residual path*, or shortcut, adds the input of a layer to its output: $h_{l+1} = h_l + f(h_l)$ (He and others
# 2016). A small change of $h_l$ reaches $h_{l+1}$ in two ways, and gradients of two ways add:
#
# $$dh_l = dh_{l+1} + (\text{what comes back through } f) .$$
#
# The first term is there whatever $f$ does, so hardly anything can vanish any more. But if $f$ keeps the size of the
# gradient, as He's weights let it do, the mean square of the sum is about *twice* that of $dh_{l+1}$. Fifty doublings
# are not harmless. So $f$ has to start small: with weights divided by $\sqrt{\text{depth}}$, or behind batch
# normalization, which tames the growing sum on its way into the next $f$.

# %% tags=["figure"]
print("ReLU with shortcuts; depth     5      10      20      50   (power of ten, mean of 3 seeds)")
for label, power, norm in (
    ("He's weights", 0, False),
    ("He's weights / √depth", -0.5, False),  # depth to the power of −½
    ("He's weights, batch norm", 0, True),
):
    ratios = [
        [
            log_ratio(network(d, ReLU, he_times(d**power), s, norm, True, dtype=np.float64))
            for s in range(3)
        ]
        for d in (5, 10, 20, 50)
    ]
    print(f"{label:<24}", *(f"{np.mean(r):7.1f}" for r in ratios))

# %% [markdown]
# Nothing vanishes. But with He's weights as they are the gradient explodes by ten powers of ten, and even more than 49
# doublings of the square would explain ($10^{7.4}$), because the two ways are not independent. Shortcuts need a small
# $f$.
#
# ## Which cure helps at which depth?
#
# First the whole map once more: depth 50, five activations, four kinds of weights, with and without batch normalization
# and shortcuts, each built from two seeds. Clipping would change no entry, because it multiplies all layers alike. It
# has its own rows in the training that follows.

# %% tags=["figure"]
structures = {
    "plain": (False, False),
    "batch norm": (True, False),
    "shortcuts": (False, True),
    "both": (True, True),
}
ranges = {}
figure, panels = new_axes(4, width=2.9, height=2.6)
for panel, (name, (norm, residual)) in zip(panels, structures.items(), strict=True):
    both_seeds = np.array([
        [
            [
                log_ratio(
                    network(50, activations[a], inits[i], s, norm, residual, dtype=np.float64)
                )
                for s in range(2)
            ]
            for i in inits
        ]
        for a in activations
    ])
    values = both_seeds.mean(axis=2)
    apart = np.ptp(both_seeds, axis=2).max()
    ranges[name] = f"{values.min():.1f} to {values.max():.1f}"
    print(f"{name:<11} {ranges[name]:<14} the two seeds differ by at most {apart:.1f}")
    draw_map(panel, values, ("0.01", "Xavier", "He", "1"), first=name == "plain")
    panel.set(title=f"depth 50, {name}", xlabel="weights")
show(
    figure,
    "Powers of ten at depth 50, over all activations and weights: "
    + ", ".join(f"{name} {limits}" for name, limits in ranges.items())
    + ". Both together come closest to keeping the size of every gradient.",
)

# %% [markdown]
# What to see: in plain networks the exponents lie between −90.5 and 29.3. Batch normalization leaves −0.5 to 4.9. With
# shortcuts hardly anything vanishes (−1.2), but ReLU and its relatives explode unless the weights are small, up to 30.6,
# and so does tanh with weights of 1. Both together leave −0.4 to 2.1, *whatever* the activation and the weights. Other
# random numbers of the same size change little: the two seeds differ by 1.3 at most. What the map does not show, again,
# is learning.
#
# Now they are trained, at depths 2, 10 and 50, three epochs each, all at the rate 0.05. No rate was tuned for its depth.
# *Clipped* means by the global norm, with the limit 1. The cell takes some seconds.

# %% tags=["figure"]
cures = {  # activation, power of the depth in the weights, batch norm, shortcuts, limit
    "sigmoid, Xavier": (Sigmoid, 0, False, False, None),
    "sigmoid, clipped": (Sigmoid, 0, False, False, 1.0),
    "sigmoid, batch norm": (Sigmoid, 0, True, False, None),
    "tanh, Xavier": (Tanh, 0, False, False, None),
    "ReLU, He": (ReLU, 0, False, False, None),
    "ReLU, clipped": (ReLU, 0, False, False, 1.0),
    "ReLU, batch norm": (ReLU, 0, True, False, None),
    "ReLU, shortcuts": (ReLU, 0, False, True, None),
    "ReLU, shortcuts, clipped": (ReLU, 0, False, True, 1.0),
    "ReLU, shortcuts / √depth": (ReLU, -0.5, False, True, None),
    "ReLU, both": (ReLU, 0, True, True, None),
    "ReLU, both, clipped": (ReLU, 0, True, True, 1.0),
}


def print_scores(names, lr):
    print(f"rate {lr:<5} depth {'':<13}", *(f"{depth:>10}" for depth in (2, 10, 50)), "  (2 seeds)")
    for name in names:
        activation, power, norm, residual, limit = cures[name]
        cells = []
        for depth in (2, 10, 50):
            init = he_times(depth**power) if activation is ReLU else xavier
            models = [network(depth, activation, init, seed, norm, residual) for seed in range(2)]
            clips = [[ClipGradient(limit)] if limit else [] for _ in models]
            scores = [score(m, lr, c, epochs=3) for m, c in zip(models, clips, strict=True)]
            cells.append(f"{np.mean(scores):4.0%} ± {np.std(scores):3.0%}")
        print(f"{name:<25}", *(f"{cell:>10}" for cell in cells))


print_scores(cures, lr=0.05)

# %% [markdown]
# At depth 2 every network learns, and no cure is needed. (There is no layer yet to go around, so shortcuts change
# nothing there.) At depth 10 the sigmoid goes from guessing to 82 % with batch normalization, and shortcuts that do not
# start small are worse than none: both runs diverge. At depth 50 the map comes true: shortcuts and batch normalization
# together read 84 %, the sigmoid with batch normalization 64 %, and ReLU with batch normalization alone guesses, as its
# gradient had announced.
#
# Clipping, at this same rate, is mostly a brake. The sigmoid guesses with it as without, since it lengthens nothing.
# Plain ReLU at depth 10 falls from 71 to 63 %, and the best network of depth 50 from 84 to 40 %: its steps were long
# and good. It helps where steps are too long. The shortcuts of depth 10 no longer diverge and read 31 %, and plain ReLU
# of depth 50 goes from 9 to 17 %. So clipping shows its use at a larger rate. Four of the rows again, at *six times*
# the rate:

# %% tags=["figure"]
print_scores(("ReLU, He", "ReLU, clipped", "ReLU, shortcuts", "ReLU, shortcuts, clipped"), lr=0.3)

# %% [markdown]
# At depth 10 clipping takes plain ReLU from 28 to 71 %, and shortcuts from divergence to 74 %. But ReLU read 71 % at the
# rate 0.05 too, without any clipping. What it gains here is a wider choice of rates; with the weights 1.3 times He's,
# further up, it was a better score as well. At depth 50 all four guess, and at depth 2 it makes no difference.
#
# The tables show how easily a network *begins* to learn, with 69 steps, one limit and two rates that were not tuned.
# They do not show what each can reach in the end. Real networks of fifty layers and more have shortcuts *and*
# normalization, and train for long.
#
# ## Does a kink do harm?
#
# "Backpropagation needs differentiable functions", say many slides. ReLU has a kink at 0 and no derivative there. All
# the same it has been trained throughout this unit. Two questions: how often does a unit stand *exactly* on the kink,
# and what does it matter which slope is taken there?


# %% tags=["figure"]
def train_by_hand(phi, slope, seed, epochs=10, lr=0.3):
    """Train 64-32-32-10; return the score and how many of all z were exactly 0."""
    rng = np.random.default_rng(seed)
    Ws = [rng.normal(size=s) * np.sqrt(2 / s[0]) for s in ((64, 32), (32, 32), (32, 10))]
    n_zero = n_all = 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(X)), 22):
            z1 = X[rows] @ Ws[0]
            z2 = phi(z1) @ Ws[1]
            e = np.exp(phi(z2) @ Ws[2])
            dz3 = e / e.sum(axis=1, keepdims=True)
            dz3[np.arange(len(rows)), y[rows]] -= 1
            dz2 = dz3 @ Ws[2].T * slope(z2)
            dz1 = dz2 @ Ws[1].T * slope(z1)
            for W, x, dz in zip(Ws, (X[rows], phi(z1), phi(z2)), (dz1, dz2, dz3), strict=True):
                W -= lr / len(rows) * x.T @ dz
            n_zero += np.sum(z1 == 0) + np.sum(z2 == 0)
            n_all += z1.size + z2.size
    guesses = (phi(phi(X_held @ Ws[0]) @ Ws[1]) @ Ws[2]).argmax(axis=1)
    return np.mean(guesses == y_held), n_zero, n_all


def relu(z):
    return np.maximum(z, 0)


def sigmoid_slope(z):
    return 1 / (2 + np.exp(z) + np.exp(-z))


units = {
    "ReLU, slope 0 at the kink": (relu, lambda z: z > 0),
    "ReLU, slope ½ at the kink": (relu, lambda z: np.heaviside(z, 0.5)),
    "ReLU, slope 1 at the kink": (relu, lambda z: z >= 0),
    "step from 0 to 1, its slope": (lambda z: z > 0, lambda z: 0 * z),
    "step, with a sigmoid's slope": (lambda z: z > 0, sigmoid_slope),
}
at_kink = {}
for name, (phi, slope) in units.items():
    runs = np.array([train_by_hand(phi, slope, seed) for seed in range(3)])
    at_kink[name] = runs[:, 0].mean()
    print(
        f"{name:<29} {runs[:, 0].mean():.1%} ± {runs[:, 0].std():.1%}   "
        f"exactly 0: {runs[:, 1].sum():.0f} of {runs[:, 2].sum():,.0f}"
    )

# %% [markdown]
# Of 2.8 million values not one was exactly 0, so the three kinds of ReLU are the same network to the last digit. A kink
# is a point, and random numbers miss points. (With numbers of 16 bits they hit it now and then, and then the choice can
# be seen: Bertoin and others 2021.)
#
# The step function shows what is really needed. It too has a derivative everywhere but at one point, and its derivative
# is 0: no gradient passes, the hidden layers stay as they were drawn, and only the last one learns. Lend it, in the
# backward pass only, the slope of a sigmoid, and it reads 88 %. That slope is *wrong*, and better than a right one that
# says nothing. (Bengio, Léonard and Courville 2013 called such tricks straight-through estimators.)
#
# A kink does show in one place: where the minimum sits on it.

# %% tags=["nbval-check-output"]
for name, slope in (("x squared", lambda x: 2 * x), ("|x|", np.sign)):
    for schedule in ("fixed rate 0.3", "rate 0.3 / step"):
        x = [1.0]
        for step in range(1, 201):
            rate = 0.3 if schedule.startswith("fixed") else 0.3 / step
            x.append(x[-1] - rate * slope(x[-1]))
        print(f"{name:<10} {schedule:<16} the last two x: {x[-2]:+.4f} {x[-1]:+.4f}")

# %% [markdown]
# The slope of $x^2$ shrinks on the way to the minimum, so the steps end there by themselves, and a falling rate only
# makes them slow. The slope of $|x|$ is 1 until the last moment: at a fixed rate the steps jump across the kink for
# ever, here between $0.1$ and $-0.2$. With a rate that falls they come to rest. We meet this kink again in unit 05, in
# the penalty L1.
#
# ## How do we read a sick run?
#
# A loss that does not fall has many causes, and each asks for another cure. From outside they look alike. So we record
# three things while a network trains, before the first step and after each epoch. Each of these times is a *moment*;
# the rows on which we look are always the same.
#
# - `loss`: the loss.
# - `lengths`: the length of the gradient that arrives at each layer, first layer first.
# - `dead`: for each hidden layer the share of *dead* units, which give 0 for every row. No gradient passes a dead unit.
#
# If training breaks off because a number became infinite, the moments that are missing are filled with nan, "not a
# number".

# %% tags=["figure"]
from nnlib.diagnostics import activation_statistics


def look(model, inputs):
    loss = CrossEntropy().forward(model.forward(inputs[:256]), y[:256])
    dead = [found.dead for found in activation_statistics(model, inputs[:256]).values()]
    return loss, arriving(model, inputs=inputs), dead


def record(model, lr, inputs=X, epochs=6):
    """Train, and return the recording: loss, lengths and dead, one row a moment."""
    moments, optimizer = [], SGD(model, lr=lr)
    try:
        for epoch in range(epochs + 1):
            moments.append(look(model, inputs))
            fit(model, inputs, y, loss=CrossEntropy(), optimizer=optimizer, rng=epoch,
                batch_size=32, progress=False)  # fmt: skip
    except NonFiniteError:
        pass  # the rest stays nan
    history = [np.full((epochs + 1, *np.shape(part)), np.nan) for part in moments[0]]
    for i, moment in enumerate(moments):
        for entries, part in zip(history, moment, strict=True):
            entries[i] = part
    return history


loss, lengths, dead = record(network(5, ReLU, he, seed=0), lr=0.1)
with np.printoptions(precision=2, suppress=True, floatmode="fixed"):
    print("loss   ", loss)
    print("length at the first layer over the last", lengths[:, 0] / lengths[:, -1])
    print("dead, at the last moment, by layer     ", dead[-1])

# %% [markdown]
# This run is healthy, although its loss rose once. The table says what to look for. Its rows are asked *in this order*,
# and the first one that holds is the diagnosis:
#
# | diagnosis | what shows it | cure |
# |---|---|---|
# | `"exploding"` | before the first step the length at the first layer is more than 1000 times that at the last | smaller starting weights; behind batch norm, shortcuts |
# | `"rate too high"` | some loss is not finite, or the loss grows by more than a tenth of itself in at least a third of the steps from one moment to the next | lower rate, clipping |
# | `"dead units"` | at the last moment at least half of the units of some layer are dead | lower rate, standardized inputs, LeakyReLU |
# | `"vanishing"` | in at least half of the moments the length at the first layer is less than a thousandth of that at the last | other weights or activation, batch norm, shortcuts |
# | `"healthy"` | none of these | |
#
# The order puts causes before what they bring about. Gradients that explode make every rate too high. A rate that is
# too high kills units: one step too far, and a unit's weights point away from all data. And where units are dead the
# gradient ends, as if it had vanished on the way. Ratios between layers are asked, not sizes: near the goal all
# gradients are small, which is no illness. The limits are a convention; nothing changes at exactly 1000.


# %% exercise="diagnose_run"
def diagnose_run(history):
    """Name what is wrong with a recorded training, by the table above.

    Parameters: history, a list of three arrays [loss, lengths, dead]. loss (T,): the loss at T
    moments, the first before any step. lengths (T, L): the length of the gradient that arrives at
    each of L layers, the first layer in column 0, the last in column L - 1. dead (T, L - 1): the
    share of dead units in each hidden layer, from 0 to 1. Entries may be nan or infinite.
    Returns: "exploding", "rate too high", "dead units", "vanishing" or "healthy".

    "At least" in the table includes the limit: two rises in six steps are a third.

    Example: loss = [2.3, 2.3], lengths = [[1e-6, 0.1, 1], [1e-6, 0.1, 1]] and
    dead = [[0, 0], [0, 0]] give "vanishing".
    """
    ### BEGIN SOLUTION
    loss, lengths, dead = history
    first, last = lengths[:, 0], lengths[:, -1]
    if first[0] > 1000 * last[0]:
        return "exploding"
    rises = loss[1:] > 1.1 * loss[:-1]
    if not np.all(np.isfinite(loss)) or np.mean(rises) >= 1 / 3:
        return "rate too high"
    if np.max(dead[-1]) >= 0.5:
        return "dead units"
    if np.mean(first < last / 1000) >= 0.5:
        return "vanishing"
    return "healthy"
    ### END SOLUTION


# %% check="diagnose_run"
check("diagnose_run")

# %% [markdown]
# Six networks are trained now, and your function names what it sees.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="03-pixels",
    question=(
        "The healthy run, depth 5 with ReLU, is repeated on pixels from 0 to 16 in place of "
        "standardized ones. What will the table call it?"
    ),
    choices=["Rate too high", "Dead units", "Vanishing"],
    answer=1,
    because=(
        "For such large inputs the rate is too high. But the loss falls in the first epoch and then "
        "stands still, so the second row of the table has nothing to see. What is left to see are "
        "the units that the first steps have killed."
    ),
)

# %% tags=["drive"]
if passed("diagnose_run"):
    pixels = 16 * digits.X[~held_out]  # as they come, from 0 to 16
    runs = {
        "ReLU, depth 5, rate 0.1": record(network(5, ReLU, he, 0), 0.1),
        "the same, rate 0.5": record(network(5, ReLU, he, 0), 0.5),
        "the same, rate 0.1, pixels from 0 to 16": record(network(5, ReLU, he, 0), 0.1, pixels),
        "ReLU, depth 6, normal weights, 1": record(network(6, ReLU, inits["normal, 1"], 0), 0.1),
        "sigmoid, depth 8, Xavier": record(network(8, Sigmoid, xavier, 0), 0.1),
        "sigmoid, depth 8, batch norm": record(network(8, Sigmoid, xavier, 0, norm=True), 0.1),
    }
    for name, history in runs.items():
        first, second, *_, last = history[0]
        print(
            f"{name:<40} loss {first:8.2f} {second:5.2f} ... {last:5.2f}   {diagnose_run(history)}"
        )

# %% [markdown]
# The third and the fifth end at nearly the same loss, that of a guess: $\ln 10 = 2.30$. From outside they cannot be told
# apart, and what helps the one does nothing for the other.
#
# The library has the same in one line. `Monitor` records while `fit` runs, and `diagnose` goes through rules in the
# same order. It looks at the gradients of the weights, which `fit` has at hand anyway. With ReLU and small weights that
# comparison is blind, as we have seen; with sigmoids it is not.

# %% tags=["figure"]
from nnlib.diagnostics import Monitor, diagnose

model, monitor = network(8, Sigmoid, xavier, seed=0), Monitor(X=X[:256])
history = fit(model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), epochs=6,
              callbacks=[monitor], rng=0, progress=False)  # fmt: skip
found = diagnose(history, monitor.records)
print(f"{found.condition}: {found.reason}")

# %% [markdown]
# ## What do the slides claim?
#
# Two limitations that slides name for backpropagation belong to this unit, and two cures that are often praised. Here
# are our verdicts, and below them the numbers from above.
#
# | claim | verdict |
# |---|---|
# | it needs differentiable functions | it needs slopes that say something, nearly everywhere; a kink does no harm, a slope of 0 does |
# | it is sensitive to the starting weights | true for deep networks, as far as one rate can say; rules for the weights, batch normalization and shortcuts take most of it away |
# | ReLU cures vanishing gradients | only with the right weights |
# | batch normalization cures vanishing and exploding gradients | it depends on the activation: it rescues the sigmoid, and makes deep ReLU networks explode, which needed no cure; together with shortcuts, yes |

# %% tags=["figure"]
print("differentiable functions: held-out digits right")
for name, right in at_kink.items():
    print(f"  {name:<29} {right:.1%}")
print("starting weights: ReLU at the rate 0.05, He's times a factor")
wide, narrow = (0.25, 1, 4), (0.5, 1, 1.41)
for label, found, chosen in (
    ("depth 2", {f: by_factor[2, f] for f in wide}, wide),
    ("depth 10", {f: by_factor[10, f] for f in narrow}, narrow),
    ("depth 10, batch norm", with_norm, wide),
):
    print(f"  {label:<21}", "   ".join(f"× {f}: {found[f]:.0%}" for f in chosen))
print("ReLU and vanishing: power of ten, layer 1 over layer 50")
print("  ", *(f"{i}: {flow_map['ReLU', i][depths.index(50)]:.1f}  " for i in ("Xavier", "He")))
print("batch normalization: power of ten at depth 50, without and with it")
for name in ("sigmoid", "ReLU"):
    print(f"  {name:<8} {at_50[name, False]:5.1f} {at_50[name, True]:5.1f}")
print(f"  batch norm and shortcuts together, all activations and weights: {ranges['both']}")

# %% [markdown]
# ## Going further
#
# These exercises do not count in the grade. Each can be done by itself.
#
# **Xavier's rule, uniform.** Weights may as well come from a uniform distribution, if its variance is the right one. On
# the interval from $-a$ to $a$ the variance is $a^2/3$. The numbers handed in are uniform between 0 and 1.


# %% exercise="xavier_uniform"
def xavier_uniform(fan_in, fan_out, u):
    """Turn uniform numbers into starting weights by Xavier's rule.

    Parameters: fan_in and fan_out, the numbers of inputs and outputs of the layer; u
    (fan_in, fan_out), uniform on [0, 1), which must be the same after the call.
    Returns: W (fan_in, fan_out), uniform on [-a, a), with the variance of Xavier's rule; a larger
    u gives a larger weight.

    Example: with fan_in = 22 and fan_out = 2, u = 0.75 becomes the weight 0.25.
    """
    ### BEGIN SOLUTION
    a = np.sqrt(6 / (fan_in + fan_out))
    return a * (2 * u - 1)
    ### END SOLUTION


# %% check="xavier_uniform"
check("xavier_uniform")

# %% [markdown]
# **The gain of a layer, without a network.** With inputs of mean square 1 the values $z$ before the activation are
# nearly normal, with mean 0 and variance fan in · Var(w), because they are sums of many terms. Then the gain of this
# unit is an expected value, $E[\varphi'(z)^2] \cdot \text{fan out} \cdot \text{Var}(w)$, which a sum over a fine grid
# gives to many digits.


# %% exercise="gradient_gain"
def gradient_gain(fan_in, fan_out, var_w, activation):
    """Compute by what a layer multiplies the mean square of the gradient on its way back.

    The value z before the activation is normal with mean 0 and variance fan_in * var_w.

    Parameters: fan_in and fan_out, numbers of inputs and outputs; var_w, the variance of the
    weights, above 0; activation, one of "linear", "relu", "tanh", "sigmoid".
    Returns: the gain, one number, to a hundredth of itself. NumPy is enough; loading another
    package may outlast the time that a check has.

    Example: fan_in = 50, fan_out = 100, var_w = 0.04 and "relu" give 2.
    """
    ### BEGIN SOLUTION
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)  # an even number of points leaves out the kink at 0
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation] ** 2) * fan_out * var_w)
    ### END SOLUTION


# %% check="gradient_gain"
check("gradient_gain")

# %% [markdown]
# Is there a variance at which even the sigmoid has the gain 1? Your function can search for it.

# %% tags=["drive"]
if passed("gradient_gain"):
    low, high = 1e-3, 1e3
    for _ in range(60):  # halve the interval; the gain grows with the variance
        middle = np.sqrt(low * high)
        too_low = gradient_gain(32, 32, middle, "sigmoid") < 1
        low, high = (middle, high) if too_low else (low, middle)
    print(
        f"variance {middle:.2f}, that is {32 * middle:.0f} / fan in; spread of z {np.sqrt(32 * middle):.0f}"
    )

# %% [markdown]
# There is one, more than a hundred times He's. With it $z$ is so large that nearly every unit says 0 or 1, and the
# gradient comes through the few that stand between: a network of switches. The gain alone is not everything.
#
# ## Do I have it?

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Question, SelfCheck

SelfCheck(
    key="03",
    questions=[
        Question(
            "Each layer multiplies the mean square of the gradient by 0.5. What is left of its "
            "length after 20 layers?",
            ["About one tenth", "About one thousandth", "About one millionth"],
            answer=1,
            because="The length is multiplied by √0.5 a layer: 0.5 to the power of 10 = 1/1024.",
        ),
        Question(
            "Which weights does a layer of ReLU units with 50 inputs and 200 outputs get by He's "
            "rule?",
            ["Variance 2/50", "Variance 2/200", "Standard deviation 2/50"],
            answer=0,
            because="2 / fan in, and it is the variance: the standard deviation is its root, 0.2.",
        ),
        Question(
            "A gradient of length 10 is clipped by its global norm to 1. What happens to the ratio "
            "of the gradients of first and last layer?",
            ["It comes closer to 1", "It stays", "It depends on the layer sizes"],
            answer=1,
            because="All entries are multiplied by the same number, 1/10.",
        ),
        Question(
            "A network with batch normalization gives a row another answer, depending on which "
            "rows stand beside it. What was forgotten?",
            ["To switch to evaluation", "To shuffle the rows", "To learn γ and β"],
            answer=0,
            because="In evaluation the running statistics are used, and rows no longer meet.",
        ),
        Question(
            "All gradients of a run have become a thousand times shorter since the beginning, "
            "those of all layers alike, and the loss is near 0. What is it?",
            ["Vanishing gradients", "Dead units", "A healthy run near its goal"],
            answer=2,
            because="What vanishes, vanishes from layer to layer. Here the ratio has stayed.",
        ),
    ],
)

# %% [markdown]
# ## What we can do now
#
# - Each layer multiplies the gradient by about
#   $\sqrt{\text{mean}(\varphi'^2) \cdot \text{fan out} \cdot \text{Var}(w)}$, and depth makes a power of it. We compute
#   it before training, and measure it with one backward pass.
# - Xavier's variance is meant for tanh, He's for ReLU (here tanh did even better with He's). The deeper the network,
#   the less may they be off.
# - Clipping bounds a step and keeps its direction; it does not mend the ratio between layers.
# - Batch normalization guards the signal forward. It rescues the sigmoid, and lets the gradient of deep plain ReLU
#   networks explode. Shortcuts let hardly anything vanish, and need a small start. Among our ReLU networks the two
#   together go deepest.
# - A kink does no harm; slopes that are 0 do.
# - A sick run is recorded and named before it is treated, causes first.
#
# ## Papers
#
# - S. Hochreiter (1991), *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU Munich: the problem, in
#   its first description.
# - Y. Bengio, P. Simard, P. Frasconi (1994), *Learning long-term dependencies with gradient descent is difficult*, IEEE
#   Transactions on Neural Networks 5, 157–166.
# - X. Glorot, Y. Bengio (2010), *Understanding the difficulty of training deep feedforward neural networks*, AISTATS,
#   249–256: Xavier's rule.
# - R. Pascanu, T. Mikolov, Y. Bengio (2013), *On the difficulty of training recurrent neural networks*, ICML,
#   1310–1318: clipping.
# - Y. Bengio, N. Léonard, A. Courville (2013), *Estimating or propagating gradients through stochastic neurons for
#   conditional computation*, arXiv 1308.3432.
# - K. He, X. Zhang, S. Ren, J. Sun (2015), *Delving deep into rectifiers*, ICCV, 1026–1034: He's rule.
# - S. Ioffe, C. Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*, ICML, 448–456.
# - K. He, X. Zhang, S. Ren, J. Sun (2016), *Deep residual learning for image recognition*, CVPR, 770–778: shortcuts.
# - S. S. Schoenholz, J. Gilmer, S. Ganguli, J. Sohl-Dickstein (2017), *Deep information propagation*, ICLR: how
#   inputs become alike on their way through random layers.
# - T. van Laarhoven (2017), *L2 regularization versus batch and weight normalization*, arXiv 1706.05350: steps relative
#   to the weights.
# - G. Yang, J. Pennington, V. Rao, J. Sohl-Dickstein, S. S. Schoenholz (2019), *A mean field theory of batch
#   normalization*, ICLR: the factor π/(π − 1).
# - D. Bertoin, J. Bolte, S. Gerchinovitz, E. Pauwels (2021), *Numerical influence of ReLU'(0) on backpropagation*,
#   NeurIPS.
