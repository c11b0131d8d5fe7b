# %% [markdown]
# # Generalization and regularization
#
# *Unit 05 · 3 hours · needs: [unit 01](../01-backpropagation/01-backpropagation.ipynb); the words training, validation and test rows from [unit 02](../02-supervised-learning/02-supervised-learning.ipynb)*
#
# A network of ten thousand weights is trained on two hundred pictures of digits. What does it learn: the digits, or
# these two hundred pictures? And what makes it learn the digits?
#
# Much advice is given on this: penalize weights, drop units, stop early, turn the pictures a little; not more than 30 % dropout,
# and none at the start. Some of it stands on the slides of the lecture behind this course (you need not have seen them). We test all of it, with seeds and error bars.
#
# At the end of this unit we can
#
# - tell over-fitting from under-fitting, by its symptoms and by its two causes, bias and variance;
# - derive and write the usual cures: L1 and L2 penalties, dropout, early stopping, augmentation;
# - say what each of them does on real data, how sure we are of it, and where the folklore goes wrong;
# - choose among them on validation rows, and report on rows that had no part in the choice.
#
# Three hours are meant for the part before *Going further*; the first reader took more than four. A good place for a break is marked.

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% [markdown]
# ## What does it know that is not true?
#
# *Generalization* is what a model gets right beyond the rows that it was trained on. We can only estimate it, on rows
# that were kept away from training. And rows wear out: whoever looks at the same rows again and again, and chooses by them, fits
# the choice to them. So before anything else we lock 500 of the 1,797 handwritten digits away. They are opened once, in the last section.
#
# From the others we deal, as often as we like, 200 *training rows* and about 1,100 *validation rows*. Two hundred are few, on purpose.
# And on request a part of the training labels is wrong: each chosen picture gets another digit's name, drawn at random. Real labels are wrong here
# and there; here we know how many, and validation labels are always right. Most networks below are trained by *Adam*, gradient descent that sets the size of the step for each weight by itself (unit 07 takes it apart).
# %% tags=["figure"]
from nnlib import SGD, Adam, CrossEntropy, Dropout, Linear, ReLU, Sequential, datasets, fit

digits = datasets.load("digits")
shuffled = np.random.default_rng(2024).permutation(len(digits.X))
locked, open_rows = shuffled[:500], shuffled[500:]


def deal(seed, wrong=0.0, n=200):
    """Return training rows, the share `wrong` of their labels changed, and validation rows."""
    rng = np.random.default_rng(seed)
    order, labels = rng.permutation(open_rows), digits.y.copy()
    train, validation = order[:n], order[n:]
    slips = train[rng.random(n) < wrong]
    labels[slips] = (labels[slips] + rng.integers(1, 10, len(slips))) % 10
    return (digits.X[train], labels[train]), (digits.X[validation], labels[validation])


def network(seed, widths=(128,), rates=()):
    """Build a ReLU network; rates[i] is the dropout rate before linear layer i."""
    rng = np.random.default_rng(seed)
    sizes, layers = (64, *widths, 10), []
    for i in range(len(sizes) - 1):
        if i < len(rates) and rates[i]:
            layers.append(Dropout(rates[i], rng=rng))
        layers += [Linear(sizes[i], sizes[i + 1], rng=rng), ReLU()]
    return Sequential(*layers[:-1])


# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Prediction

Prediction(
    key="05-random-labels",
    question=(
        "200 pictures of digits get labels drawn at random: there is nothing to learn. A network "
        "with 128 hidden units is trained on them. On how many of these 200 will it agree with the "
        "label that it was given?"
    ),
    choices=["About 10 %: there is no rule", "About half", "All, or nearly all"],
    answer=2,
    because=(
        "It has 9,610 parameters for 200 labels and learns them by heart. Other pictures it reads "
        "no better than by guessing. Zhang et al. (2017) found nearly the same with a million photographs."
    ),
)

# %% tags=["figure"]
from nnlib.diagnostics import diagnose, generalization_gap

histories = {}
print("five deals           training   validation ± sd     gap   validation loss turned up")
for name, wrong in (("right labels", 0.0), ("one in five wrong", 0.2), ("random labels", 0.9)):
    histories[name] = []
    for seed in range(5):
        train, validation = deal(seed, wrong)
        model = network(seed)
        settings = {"optimizer": Adam(model, lr=0.01), "rng": seed, "progress": False}
        settings |= {"loss": CrossEntropy(), "epochs": 80, "batch_size": 100}
        settings["validation_data"] = [part[:500] for part in validation]
        histories[name].append(fit(model, *train, **settings))
    training, right, gap = np.transpose([
        (run.accuracy[-1], run.validation_accuracy[-1], generalization_gap(run, measure="accuracy"))
        for run in histories[name]
    ])
    turned = sum(diagnose(run).condition == "over-fitting" for run in histories[name])
    print(
        f"{name:<20} {training.mean():8.1%}     {right.mean():6.1%} ± {right.std():4.1%}   "
        f"{gap.mean():6.1%}   in {turned} of 5"
    )

# %% [markdown]
# (A label that is changed with probability 0.9, to one of the nine others, is a random one.) All networks know their training rows
# by heart. What differs is what they know beyond: nearly everything, nearly four fifths, nothing at all. The *generalization gap* is the distance between the two columns: training accuracy
# minus validation accuracy, or validation loss minus training loss.
#
# So a perfect score on training rows says nothing. The first deal in time:

# %% tags=["figure"]
from nnlib.plotting import HIGHLIGHT, TRAINING, VALIDATION, new_axes, show

figure, panels = new_axes(2)
for axes, name in zip(panels, ("right labels", "one in five wrong"), strict=True):
    history = histories[name][0]
    epochs = np.arange(1, 81)
    axes.plot(epochs, history.loss, color=TRAINING, label="training")
    axes.plot(epochs, history.validation_loss, "--", color=VALIDATION, label="validation")
    axes.set(xlabel="epoch", ylabel="loss (nats)", title=name, ylim=(0, 2.4))
    axes.legend()
lowest = int(np.argmin(histories["one in five wrong"][0].validation_loss)) + 1
show(
    figure,
    f"With right labels the validation loss falls and stays low. With one label in five wrong it turns up after epoch {lowest} while the training loss goes on falling.",
)

# %% [markdown]
# *Under-fitting*: both losses are high, and still fall or stand still. The model cannot, or has not yet, taken in what the rows say. *Over-fitting*: the training
# loss falls on while the validation loss rises. The model takes in what is true of these rows alone. In the right picture both happen in one run, one after the other. (There the
# training loss begins above the validation loss: one training label in five is wrong, and no validation label is.) The last column above counts over-fitting by this rule: `diagnose` asks whether the
# validation loss ended more than a tenth above its lowest value. With right labels there is a gap, too, but in four deals of five the loss stays low: a gap alone is not over-fitting.
#
# | | training loss | validation loss | cures |
# |---|---|---|---|
# | under-fitting | high | high | larger network, longer training, weaker penalty, better features |
# | over-fitting | low, falls | has turned up, the gap grows | more data, or what this unit is about |
#
# ## How large may a model be?
#
# *Capacity* is how much a model can bend. The figure fits a polynomial with $p$ weights to a few noisy rows, by the smallest
# squared error. Everything can be moved: capacity, noise, the number of rows, and the strength $\lambda$ of a penalty that we come to below.

# %% tags=["figure"]
from nnlib.widgets import OverfittingExplorer

OverfittingExplorer()

# %% [markdown]
# What to see: without a penalty the training error only ever falls with capacity. The validation error falls, and rises steeply where the weights become as many as the rows; more rows, less noise or a penalty flatten that rise.
# (Where $p$ is larger than $n$ many fits meet every row; the figure takes the one with the smallest weights.) What the figure does not show: a mean. Each picture is one draw of the rows, and another draw gives another curve.
#
# For networks the width of the hidden layer plays this role. Six deals of 200 rows with right labels, then the same six with one label in five wrong:

# %% tags=["figure"]


def accuracy(model, X, y):
    return float(np.mean(model.predict(X).argmax(axis=1) == y))


def train_once(seed, wrong=0.2, widths=(128,), rates=(), epochs=60, loss=None, **extras):
    """Train one network on one deal; return its training and validation accuracy, and itself."""
    train, validation = deal(seed, wrong)
    model = network(seed, widths, rates)
    optimizer = Adam(model, lr=0.01)
    loss = loss or CrossEntropy()
    settings = {"epochs": epochs, "batch_size": 100, "rng": seed, "progress": False}
    fit(model, *train, loss=loss, optimizer=optimizer, **settings, **extras)
    return accuracy(model, *train), accuracy(model, *validation), model


print("         right labels                     one in five wrong")
print("width    training   validation ± sd      training   validation ± sd")
by_width = {}
for width in (1, 4, 16, 64, 256):
    line = f"{width:>5}"
    for wrong in (0.0, 0.2):
        both = np.array([train_once(seed, wrong, (width,))[:2] for seed in range(6)])
        (a, b), (_, spread) = both.mean(axis=0), both.std(axis=0)
        by_width[width, wrong] = both[:, 1]
        line += f"    {a:8.1%}     {b:6.1%} ± {spread:4.1%}  "
    print(line)
for wrong in (0.0, 0.2):
    apart = 100 * (by_width[256, wrong] - by_width[16, wrong])
    error = apart.std(ddof=1) / np.sqrt(6)
    print(f"{wrong:.0%} wrong: 256 units against 16, {apart.mean():+.1f} ± {error:.1f} points")

# %% [markdown]
# (Means of six deals.) One unit under-fits, on both sides: it cannot even describe its training rows. With right labels more units do no harm: 256 units have nearly a hundred times as many parameters as rows, and validate about as well as 64.
# With wrong labels 256 units read 3.6 points less than 16, deal by deal, with a standard error of 1.5 (explained with the penalties): good evidence, no more. The training column suggests why: 16 units get about 85 % of the training labels, a little more than the 80 % that are right. They have little room for the wrong ones.
#
# So capacity over-fits where there is something to over-fit to. This is why we test cures on both kinds of rows.
#
# ## Where does the error come from?
#
# Take one method, say polynomials with $p$ weights, and imagine that the rows are drawn again a hundred times. Each draw gives its own curve. At a place $x$ the
# hundred curves have a mean $\bar f(x)$, and they scatter around it. The truth there is $f(x)$. A new measurement is $y = f(x) + \varepsilon$ with noise of mean 0 and variance $\sigma^2$. A single curve $\hat f$ misses it by
#
# $$\hat f - y = (\hat f - \bar f) + (\bar f - f) - \varepsilon .$$
#
# Square this and average over draws and noise. Three mixed products arise, and each has mean 0:
#
# - first times second bracket: the second is one fixed number, and the first has mean 0;
# - second bracket times $\varepsilon$: the same, for $\varepsilon$ has mean 0;
# - first bracket times $\varepsilon$: the new noise is independent of the rows that made the curve, so the mean of the product is the product of the means, $0 \cdot 0$.
#
# $$\mathbb{E}\,(\hat f - y)^2 \;=\; \underbrace{\mathbb{E}\,(\hat f - \bar f)^2}_{\text{variance}} \;+\; \underbrace{(\bar f - f)^2}_{\text{bias}^2} \;+\; \sigma^2 .$$
#
# *Bias* is what the method gets wrong however the rows fall. *Variance* is how much it depends on how they fell. The *noise* nobody can remove.
# Below, $f(x) = \sin 4x$ is fitted from 20 rows with noise $\sigma = 0.3$, 300 draws for each number of weights. The last column is measured with
# new noise, without the formula.

# %% tags=["figure"]
from numpy.polynomial.legendre import legvander  # polynomials of degree 0, 1, 2, …, one a column

grid, sigma, n_draws = np.linspace(-0.95, 0.95, 60), 0.3, 300
truth = np.sin(4 * grid)
rng = np.random.default_rng(0)
parts = {}
print(" p     bias²   variance    noise       sum   measured")
for p in (1, 2, 4, 5, 6, 8, 10, 12, 14):
    curves = []
    for _ in range(n_draws):
        x = -1 + (np.arange(20) + rng.random(20)) / 10  # one row in each twentieth of the range
        y = np.sin(4 * x) + sigma * rng.normal(size=20)
        weights, *_ = np.linalg.lstsq(legvander(x, p - 1), y, rcond=None)
        curves.append(legvander(grid, p - 1) @ weights)
    mean_curve = np.mean(curves, axis=0)
    bias, variance = np.mean((mean_curve - truth) ** 2), np.mean(np.var(curves, axis=0))
    measured = np.mean((curves - truth - sigma * rng.normal(size=(n_draws, 60))) ** 2)
    parts[p] = (bias, variance, measured)
    print(
        f"{p:>2}  {bias:8.3f}  {variance:8.3f}  {sigma**2:8.3f}  {bias + variance + sigma**2:8.3f}  {measured:8.3f}"
    )

# %% tags=["figure"]
figure, (axes,) = new_axes(1, width=6.5)
p, (bias, variance, measured) = list(parts), np.array(list(parts.values())).T
axes.plot(p, bias, "--", color="black", label="bias²")
axes.plot(p, variance, "-.", color=HIGHLIGHT, label="variance")
axes.plot(p, measured, "o-", color=VALIDATION, label="error on new rows")
axes.axhline(sigma**2, color="black", linewidth=0.8, linestyle=":", label="noise")
axes.set(xlabel="weights p", ylabel="squared error (log scale)", yscale="log", ylim=(1e-3, None))
axes.legend()
show(
    figure,
    f"Bias falls with the number of weights, variance rises; their sum, the error on new rows, is smallest at {p[int(np.argmin(measured))]} weights.",
)

# %% [markdown]
# The two columns on the right agree: the parts add up to what is measured. A constant ($p = 1$) hardly varies and is wrong everywhere: bias. With 14 weights the mean of the 300 curves is nearly perfect, and a single curve is useless:
# variance. The error is smallest at 6 weights. (The fifth weight gains nothing: $\sin 4x$ is odd, $f(-x) = -f(x)$, and the fifth polynomial, of degree 4, is even.)
#
# This is the *trade-off curve*. Capacity buys less bias and pays with variance; the best model lies where a little more of one costs as much as it saves of the other. A
# regularizer makes the same trade with the same number of weights: it accepts some bias, in order to lose more variance. The exercise `bias_variance` under *Going further* asks for the two numbers.
#
# ## Is larger always worse?
#
# The trade-off curve is in every textbook. On real digits we follow it further, beyond as many weights as rows.
# The features are random: $p$ hidden units whose weights are never trained, $h = \tanh(x\,W + b)$. Only the last layer is fitted, to 100 pictures, by least squares. Beyond $p = 100$ there are
# infinitely many fits without any training error. Of these we take the one with the smallest sum of squared weights.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-double-descent",
    question=(
        "100 training pictures. With about 40 random units the validation error is lowest among "
        "the small fits; up to p = 100 it rises steeply. Where will it be at p = 800?"
    ),
    choices=[
        "Higher still than at p = 100",
        "Between the peak and the small fits",
        "Below the best of the small fits",
    ],
    answer=2,
    because=(
        "At p = 100 exactly one fit gets every label right, and it is a wild one. With more units "
        "there are many, and the smallest of them is tame."
    ),
)

# %% tags=["figure"]
counts = np.array([10, 20, 40, 60, 80, 90, 100, 110, 125, 160, 300, 800])
errors = {0.0: [], 1e-4: []}
for seed in range(5):
    (X, y), (X_val, y_val) = deal(seed, n=100)
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(64, 800)), rng.normal(size=800)
    H, H_val = (np.tanh(images @ W / 3 + b) for images in (X, X_val[:500]))
    for strength, found in errors.items():
        found.append([])
        for p in counts:
            A, T = H[:, :p] / np.sqrt(p), np.eye(10)[y]
            if p <= 100 and strength == 0:
                weights, *_ = np.linalg.lstsq(A, T, rcond=None)
            else:  # need not be followed: minimizes 1/N ‖A w − T‖² + λ ‖w‖²; λ = 0: smallest perfect fit
                weights = A.T @ np.linalg.solve(A @ A.T + 100 * strength * np.eye(100), T)
            wrong = (H_val[:, :p] @ weights).argmax(axis=1) != y_val[:500]
            found[-1].append(wrong.mean())

# %% tags=["figure"]
figure, (axes,) = new_axes(1, width=6.5)
for strength, color, style in ((0.0, VALIDATION, "o-"), (1e-4, HIGHLIGHT, "s--")):
    mean, spread = np.mean(errors[strength], axis=0), np.std(errors[strength], axis=0)
    label = "least squares" if strength == 0 else "with an L2 penalty"
    axes.plot(counts, mean, style, color=color, label=label, markersize=4)
    axes.fill_between(counts, mean - spread, mean + spread, color=color, alpha=0.2)
    picked = [list(counts).index(p) for p in (40, 100, 800)]
    values = "   ".join(f"p = {counts[i]}: {mean[i]:.1%} ± {spread[i]:.1%}" for i in picked)
    print(f"{label:<20} {values}")
axes.axvline(100, color="black", linewidth=0.8, linestyle=":", label="p = rows")
axes.set(xlabel="random units p (log scale)", ylabel="validation error", xscale="log")
axes.legend()
show(
    figure,
    "The validation error of least squares falls, rises to a peak where the 100 rows have as many units, and falls again below its first minimum. With an L2 penalty it falls throughout.",
)

# %% [markdown]
# At $p = 100$ about 86 % of the validation pictures are read wrongly, hardly better than guessing; with 800 units about 10 %, much better than at the first minimum. This is *double descent* (means of five deals; bands are standard deviations). The textbook curve is its left part. Two lessons: "more weights than rows must over-fit" is wrong, and so
# is "larger is always better". What matters is which of the possible fits is taken. A preference for small weights takes the peak away altogether (Nakkiran et al. 2021 say when). That preference is our first regularizer.
#
# ## What does a penalty pay for?
#
# A function that turns sharply between two rows needs large weights. So we let weights cost something. To the loss $L$ we add the *L2 penalty*
#
# $$R(\theta) = \lambda \sum_{w} w^2,$$
#
# the sum over all weights, and minimize $L + R$. The *strength* $\lambda \ge 0$ is ours to choose; it is called `strength` in code, because `lambda` is a word of Python. (Some books write $\tfrac{\lambda}{2}\sum w^2$. Then their $\lambda$ is twice ours.)
#
# The sum runs over weights, not over biases. A bias shifts a unit's threshold, and cannot make a function steep. What penalizing it would do, for a line through data far from zero:

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, 200)
y = 20 + x + 0.1 * rng.normal(size=200)
design = np.column_stack([x, np.ones(200)])  # the second column belongs to the bias
for name, costs in (("weight only", (1.0, 0.0)), ("weight and bias", (1.0, 1.0))):
    w, b = np.linalg.solve(
        design.T @ design / 200 + 0.1 * np.diag(costs), design.T @ y / 200
    )  # the minimum of MSE + 0.1 Σw², where its gradient is zero
    missing = np.mean(y - w * x - b)
    print(f"penalty on {name:<16} w = {w:.2f}   b = {b:.2f}   mean of y - prediction {missing:.2f}")
print(f"mean of x {x.mean():.2f}")

# %% [markdown]
# With a penalty on the bias, predictions are too low by 1.8 on average. (The true slope is 1; the penalty shrinks it to 0.77. With both penalized it is steeper again: the mean of $x$ is a little above 0, so a larger $w$ makes up for some of what $b$ lacks.)
#
# For training we need the gradient of $R$. It adds to that of $L$, for derivatives of sums add. For a weight, ask how fast $\lambda w^2$ grows with $w$; for a bias, whether $R$ contains it at all.


# %% exercise="l2_penalty"
def l2_penalty(theta, is_weight, strength):
    """Compute the penalty strength * Σ w² over the weights, and its gradient.

    Parameters: theta (P,), all parameters of a network in one vector; is_weight (P,), True where
    the entry is a weight and False where it is a bias; strength, the number λ. There is no factor ½.
    Returns: penalty, one number; gradient (P,), its derivative for each entry of theta.

    Example: theta = [2, -3, 5, 1], of which the third is a bias, and strength = 0.1 give the
    penalty 1.4 and the gradient [0.4, -0.6, 0, 0.2].
    """
    ### BEGIN SOLUTION
    weights = theta * is_weight
    penalty = strength * np.sum(weights**2)
    gradient = 2 * strength * weights
    return penalty, gradient
    ### END SOLUTION


# %% check="l2_penalty"
check("l2_penalty")

# %% [markdown]
# In the step $\theta \leftarrow \theta - \eta\,(g + 2\lambda\theta)$ we can collect what multiplies a weight: $w \leftarrow (1 - 2\eta\lambda)\,w - \eta g$. Before the gradient acts, each weight shrinks by a fixed factor. This is
# called *weight decay*. For plain gradient descent it is the same thing as the L2 penalty; with Adam it is not (unit 07 measures the difference).

# %% tags=["figure"]
from nnlib.regularizers import L1, L2, ElasticNet

train, _ = deal(0)
ends = []
for decay, penalty in ((0.0, L2(0.01)), (0.02, None)):
    model = network(0)
    optimizer = SGD(model, lr=0.2, weight_decay=decay)
    settings = {"epochs": 20, "batch_size": 100, "rng": 0, "progress": False}
    fit(model, *train, loss=CrossEntropy(), optimizer=optimizer, penalty=penalty, **settings)
    ends.append(model.theta.copy())
largest, apart = np.abs(ends[0]).max(), np.abs(ends[0] - ends[1]).max()
print(
    f"weights after 40 steps: largest {largest:.3f}, largest difference {f'{apart:.0e}' if apart else 'none'}"
)

# %% [markdown]
# (The library's `weight_decay=2λ` does what `penalty=L2(λ)` does, up to rounding.)
#
# ## How strong should it be?
#
# We try. Each strength is given the same five deals and the same five beginnings. So we can compare in *pairs*: the gain is the difference to the plain network on the same deal, and its uncertainty is the
# *standard error*, the standard deviation of the five differences divided by $\sqrt 5$. It is much smaller than the spread of the accuracies themselves, because a hard deal is hard for both. A gain of less than
# two standard errors is no evidence, and with five differences even two are weak evidence. In the tables, sd is the standard deviation over the deals, and se the standard error of the gain over the first row.

# %% tags=["figure"]


def gain(values, first):
    """Write the mean of the paired differences, in points, and its standard error."""
    points = 100 * (np.array(values) - np.array(first))
    error = points.std(ddof=1) / np.sqrt(len(points))
    return f"{points.mean():+5.1f} ± {error:.1f} points" if points.any() else ""


def report(name, values, first):
    """Print mean and standard deviation of the values, and their gain over the first."""
    print(f"{name:<30} {np.mean(values):6.1%} ± {np.std(values):4.1%}   {gain(values, first)}")


def compare(settings, wrong=0.2, seeds=range(5)):
    """Train every setting on the same deals, and print its gain over the first in pairs."""
    results = {}
    print(
        f"{wrong:3.0%} wrong, {len(seeds)} deals {'training':>19}   validation ± sd     gain ± se"
    )
    for name, setting in settings.items():
        runs = [train_once(seed, wrong, **setting)[:2] for seed in seeds]
        training, validation = results[name] = np.array(runs).T
        scores = f"{training.mean():8.1%}    {validation.mean():6.1%} ± {validation.std():4.1%}"
        print(f"{name:<28} {scores}    {gain(validation, next(iter(results.values()))[1])}")
    return results


strengths = [0.0, 0.001, 0.003, 0.01, 0.03]
by_strength = {f"L2, strength {s:g}": {"penalty": L2(s)} if s else {} for s in strengths}
noisy = compare(by_strength, wrong=0.2)
clean = compare(by_strength, wrong=0.0)

# %% tags=["figure"]
figure, panels = new_axes(2)
styles = (("training", TRAINING, "-"), ("validation", VALIDATION, "--"))
titles = ("right labels", "one in five wrong")
for axes, results, title in zip(panels, (clean, noisy), titles, strict=True):
    for i, (name, color, style) in enumerate(styles):
        values = np.array([both[i] for both in results.values()])
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axes.plot(range(5), mean, style, color=color, label=name)
        axes.fill_between(range(5), mean - spread, mean + spread, color=color, alpha=0.2)
    axes.set(xticks=range(5), xticklabels=strengths, title=title)
    axes.set(xlabel="strength λ", ylabel="accuracy", ylim=(0.6, 1.02))
    axes.legend()
show(
    figure,
    "With wrong labels the validation accuracy rises with the strength and falls beyond 0.01; with right labels nothing is gained.",
)

# %% [markdown]
# The curves for wrong labels are the trade-off curve once more: too weak a penalty lets the network learn the wrong labels, too strong a one does not let it learn the digits. At 0.01 the gain is about ten points,
# many times its error. The training accuracy there is about 83 %: nearly all right labels and few of the wrong ones. And the spread of the deals is smaller: less variance.
#
# With right labels the same penalty gains nothing: +0.2 ± 0.2 at best, which is no evidence, and at 0.01 it costs a point. A penalty is no virtue in itself. Its strength belongs to the data, and is chosen on validation rows. (Chosen on these rows, 0.01 may look better than it is; later we try it on new deals.)
#
# ## Why do zeros appear?
#
# The *L1 penalty* $R = \lambda \sum |w|$ charges sizes instead of squares. Its slope is $\lambda\,\mathrm{sign}(w)$, the same for a weight of 3 and one of 0.001, while L2 pulls at small weights hardly at all. So L1 should make zeros.
# We try the slides' recipe: a penalty `l1(0.01)` on the layers of a network that Adam trains. The data are 569 tumors, of each 30 measurements; the network has two hidden layers of 64.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-zeros",
    question=(
        "A network with 6,144 weights is trained with Adam and the L1 penalty 0.01, whose gradient "
        "is λ sign(w). How many weights are exactly zero in the end?"
    ),
    choices=["None", "About half", "Nearly all"],
    answer=0,
    because=(
        "Each step moves a weight by about the learning rate. It steps over zero and back, again "
        "and again, and lands on it only by a miracle."
    ),
)

# %% tags=["figure"]
tumors = datasets.load("breast_cancer")
order = np.random.default_rng(0).permutation(569)
rows, others = order[:300], order[300:]
scaled = (tumors.X - tumors.X[rows].mean(axis=0)) / tumors.X[rows].std(axis=0)
print("                     exactly 0      below 0.001     loss   penalty   accuracy")
for name, make, penalty in (
    ("Adam, no penalty", lambda model: Adam(model, lr=0.001), None),
    ("Adam, L1", lambda model: Adam(model, lr=0.001), L1(0.01)),
    ("SGD, L1", lambda model: SGD(model, lr=0.05), L1(0.01)),
    ("SGD, L1 proximal", lambda model: SGD(model, lr=0.05), L1(0.01, proximal=True)),
):
    rng = np.random.default_rng(0)
    hidden = [Linear(30, 64, rng=rng), ReLU(), Linear(64, 64, rng=rng), ReLU()]
    model = Sequential(*hidden, Linear(64, 2, rng=rng))
    settings = {"optimizer": make(model), "penalty": penalty, "rng": 0, "progress": False}
    settings |= {"loss": CrossEntropy(), "epochs": 200, "batch_size": 32}
    history = fit(model, scaled[rows], tumors.y[rows], **settings)
    w = np.abs(model.theta[model.decay_mask])
    right = accuracy(model, scaled[others], tumors.y[others])
    zeros = f"{np.sum(w == 0):>6} of {w.size}   {np.mean(w < 1e-3):8.1%}"
    print(f"{name:<18} {zeros}   {history.loss[-1]:9.4f}   {0.01 * w.sum():7.3f}   {right:8.1%}")

# %% [markdown]
# The recipe makes no zero at all. It does make about 99 % of the weights *small*. The last row
# does without: its weights are exactly zero wherever the loss does not pay for them. Its loss is about the same and its penalty a little smaller, so it has come nearer to the minimum of $L + R$. The figure shows why, with two weights. It also has the *elastic net*,
# a mixture of both penalties, $R = \lambda\,(\alpha \sum |w| + (1 - \alpha) \sum w^2)$, here with $\alpha = \tfrac12$.

# %% tags=["figure"]
from nnlib.widgets import PenaltyContours

PenaltyContours()

# %% [markdown]
# What to see: the round ball of L2 is touched anywhere, the square of L1 most often at a corner, and at a corner a weight is exactly zero. In the second picture, steps along the gradient hop about zero, by the rate times $\lambda$ and back; another kind of step stops there. What the figure does not show: whether thousands of weights behave like two. The table above does.
#
# The other kind treats the corner as a corner. Take the gradient step of the loss alone, and call the result $w$. Then find the $u$ that is close to $w$ and has a small size:
#
# $$\min_u\; \tfrac12 (u - w)^2 + \tau\,|u|, \qquad \tau = \eta\lambda .$$
#
# Where $u$ is positive the derivative is $u - w + \tau$; where it is negative, $u - w - \tau$. For which $w$ does either have a zero on its own side of the origin? And where is the minimum if neither has? The answer is called *soft thresholding*, and $\tau$ is its `threshold`; the whole, gradient step and threshold, is a *proximal step*.


# %% exercise="soft_threshold"
def soft_threshold(w, threshold):
    """Find, for each number in w, the u that makes ½ (u - w)² + threshold * |u| smallest.

    Parameters: w, an array of any shape; threshold, a positive number.
    Returns: u, of the shape of w, a new array.

    Example: w = [3, -0.5, -2] and threshold = 1 give u = [2, 0, -1].
    """
    ### BEGIN SOLUTION
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)
    ### END SOLUTION


# %% check="soft_threshold"
check("soft_threshold")

# %% [markdown]
# ## Which measurements does a diagnosis need?
#
# Where zeros are exact they choose. One weight for each of the 30 measurements, one bias, a sigmoid: a linear classifier of tumors. A measurement whose weight is zero need not be taken. This is *feature selection*. Eight
# times we draw 300 tumors to train on, scaled by the means and spreads of these rows alone, and judge on the other 269. Besides the accuracy of the L1 model itself, we fit the chosen measurements once more without a penalty, since L1 not only chooses but also shrinks what it keeps. As a control, as many measurements drawn at random, five times for each draw.

# %% tags=["figure"]
from nnlib import regularizers

splits = []
for seed in range(8):
    order = np.random.default_rng(seed).permutation(569)
    seen = tumors.X[order[:300]].astype(float)
    scaled = (tumors.X[order] - seen.mean(axis=0)) / seen.std(axis=0)
    splits.append((scaled, tumors.y[order, None]))  # 1 is benign, 0 malignant


def logistic(split, l1=0.0, l2=0.0, kept=True, lr=0.5):
    """Fit linear classifiers by 1,200 proximal steps, one for each column of `kept` (30, k)."""
    scaled, benign = split
    w, b = np.zeros((30, np.shape(kept)[-1] if np.ndim(kept) else 1)), 0.0
    for _ in range(1200):
        dz = (1 / (1 + np.exp(-(scaled[:300] @ w + b))) - benign[:300]) / 300
        slope = scaled[:300].T @ dz + 2 * l2 * w
        w = (w - lr * slope) * kept
        if l1:
            w = regularizers.soft_threshold(w, lr * l1)
        b = b - lr * dz.sum(axis=0)
    return w, np.mean((scaled[300:] @ w + b > 0) == benign[300:])


# %% tags=["figure"]
rng, chosen = np.random.default_rng(0), {}
print("accuracy ± sd of 8 draws; chosen minus random ± se")
print("strength   measurements   with L1         refitted       at random")
for strength in (0.1, 0.05, 0.02, 0.005):
    rows = []
    for split in splits:
        w, with_l1 = logistic(split, l1=strength)
        at_random = rng.permuted(np.repeat(w != 0, 5, axis=1), axis=0)
        rows.append([w != 0, with_l1, logistic(split, kept=w != 0)[1]])
        rows[-1].append(logistic(split, kept=at_random)[1])
    kept, with_l1, refitted, at_random = (np.array(values) for values in zip(*rows, strict=True))
    chosen[strength] = kept.sum(axis=(0, 2))
    n_kept = kept.sum(axis=(1, 2))
    scores = "   ".join(f"{a.mean():5.1%} ± {a.std():4.1%}" for a in (with_l1, refitted, at_random))
    print(
        f"{strength:>8}   {n_kept.mean():5.1f} ± {n_kept.std():3.1f}    {scores}   {gain(refitted, at_random)}"
    )
print(f"all 30 measurements, no penalty: {np.mean([logistic(split)[1] for split in splits]):.1%}")

# %% tags=["figure"]
names = np.array(tumors.feature_names)
often = [f"{names[i]} {n}" for i, n in enumerate(chosen[0.05]) if n]
print("strength 0.05, chosen in how many of 8 draws:", ", ".join(often))
size = [list(names).index(f"worst {what}") for what in ("radius", "perimeter", "area")]
pairs = np.corrcoef(tumors.X[:, size].T)[np.triu_indices(3, 1)]
print("correlations of the worst radius, perimeter and area:", *pairs.round(2))
for name, l2 in (("L1", 0.0), ("elastic net", 0.05)):
    w = np.array([logistic(split, l1=0.05, l2=l2)[0][:, 0] for split in splits])
    print(
        f"{name:<12} keeps {np.mean(np.sum(w != 0, axis=1)):4.1f}; these three, first four draws:"
    )
    print("   ", *(f"({a:.2f}, {b:.2f}, {c:.2f})" for a, b, c in w[:4, size]))

# %% [markdown]
# Five measurements of thirty, refitted, are right about as often as all thirty without a penalty (96.6 % ± 0.9 % and 97.0 %). Chosen measurements beat random ones in every row, by six points where three or four are kept and by one where seventeen are. The L1 model itself lies below its refitted twin: the price of shrinking what it keeps.
#
# Which ones? Four are chosen in every draw: the worst radius, texture, perimeter and concave points. (The "worst" of a measurement is the mean of its three largest values among the cells.) Radius, perimeter and area say nearly the same, with correlations of 0.98 and 0.99. In the four draws shown, L1 drops the area and
# divides the weight between the other two differently each time. (The weights are negative because class 1 is benign: the larger the cells, the less likely.) The elastic net keeps three times as many measurements, and gives the three about equal weights. So "chosen by L1" does not mean "important", and "not chosen" does not mean "unimportant".
#
# One thing must not be done: choose on all rows, and then divide them. The scaling and the choice here saw training rows only; unit 06 measures what happens otherwise.
#
# *A good place for a break.*
#
# ## What if no unit can rely on another?
#
# *Dropout* drops units at random while the network trains (silences them, one also says): in every step, for every row, each number that passes the layer is set to zero with a probability, the *rate*. No unit can count on its neighbor being there.
# Afterwards, in evaluation, nothing is dropped.
#
# Let $u$ be a random number, uniform between 0 and 1, for each entry of $x$. The entry is dropped where $u < \text{rate}$. What arrives behind the layer must not grow, on average, when the dropping ends. So the numbers that are kept are made larger in training, by a factor $s$, just so that the mean stays what it was:
#
# $$\mathbb{E}[y] = \text{rate}\cdot 0 + (1 - \text{rate})\cdot s\,x \;\overset{!}{=}\; x .$$
#
# Which factor $s$ does that? With it, evaluation has nothing to do at all. (The first papers shrank the weights after training instead; the mean is the same.)

# %% tags=["figure"]
from nnlib.widgets import DropoutMasks

DropoutMasks()

# %% [markdown]
# What to see: a rate is an expectation, not a count. How many units are dropped changes from mask to mask, and the mean over many masks comes to the output in evaluation only if the kept ones are made larger. What the figure does not show: a batch, in which each row has a mask of its own (here one row gets masks one after another); and whether all this helps.
#
# Slides that say "6, 12, 15, 18 units" for 10, 20, 25 and 30 % are thinking of 60 units, and of the mean. Of 64 units, the usual width, these counts are 9.4, 18.8, 23.4 and 28.1 %.


# %% exercise="dropout_forward"
def dropout_forward(x, u, rate, training):
    """Drop numbers at random in training, and keep the mean; do nothing in evaluation.

    Parameters: x, an array; u, uniform random numbers of the shape of x: in training an entry is
    dropped where u < rate; rate, from 0 to below 1; training, True or False.
    Returns: y, of the shape of x; kept, of the same shape, True where the entry was kept (in
    evaluation everywhere).

    Example: x = [[3, 3]], u = [[0.1, 0.6]], rate = 0.25 give y = [[0, 4]] and kept = [[False, True]]
    in training; in evaluation y = [[3, 3]].
    """
    ### BEGIN SOLUTION
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept / (1 - rate), kept
    ### END SOLUTION


# %% check="dropout_forward"
check("dropout_forward")

# %% [markdown]
# Backward, the layer is one more factor in the chain rule. For an entry that was dropped, $y$ was 0 whatever $x$ was. For one that was kept, $y$ is a multiple of $x$. What are the two slopes? The mask must be the one of the forward pass: the loss was computed with it.


# %% exercise="dropout_backward"
def dropout_backward(dy, kept, rate, training):
    """Carry the gradient at the output of dropout back to its input.

    Parameters: dy, the gradient at y; kept, of the same shape, from the forward pass; rate and
    training as they were there.
    Returns: dx, of that shape.

    Example: dy = [[6, 6]], kept = [[False, True]], rate = 0.25 give dx = [[0, 8]] in training.
    """
    ### BEGIN SOLUTION
    if not training:
        return dy.copy()
    return dy * kept / (1 - rate)
    ### END SOLUTION


# %% check="dropout_backward"
check("dropout_backward")

# %% [markdown]
# ## How much dropout, and where?
#
# A common piece of advice reads: "not more than 30 % dropout, and none at the start." We test its two halves, and a third that goes with it: let the rate rise from layer to layer, as 0.05, 0.1, 0.15, 0.25. First the amount. Two networks, one with a single wide
# hidden layer of 256 units, one with four narrow ones of 60, with one rate behind every hidden layer; one label in five is wrong.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-dropout-rate",
    question=(
        "200 digits, one label in five wrong, one hidden layer of 256 units with dropout behind "
        "it. Which rate gives the best validation accuracy?"
    ),
    choices=["0.1", "0.3", "0.5", "0.8"],
    answer=3,
    because=(
        "Of 256 units about 50 are kept in each step. With them the network agrees with 87 % of "
        "its training labels, not 100 %: it learns fewer of the wrong ones. With four layers of 60 "
        "it is another rate."
    ),
)

# %% tags=["figure"]
rates = {(256,): (0.0, 0.1, 0.3, 0.5, 0.8, 0.9), (60, 60, 60, 60): (0.0, 0.3, 0.5)}
amounts = {}
for widths, tried in rates.items():
    print("hidden layers:", *widths)
    behind_each = {f"rate {r}": {"rates": (0, *[r] * len(widths))} for r in tried}
    amounts[widths] = compare({name: {"widths": widths, **at} for name, at in behind_each.items()})

# %% tags=["figure"]
figure, (axes,) = new_axes(1, width=6.5)
styles = ((VALIDATION, "o-"), (HIGHLIGHT, "s--"))
for (widths, results), (color, style) in zip(amounts.items(), styles, strict=True):
    values = np.array([validation for _, validation in results.values()])
    mean, spread = values.mean(axis=1), values.std(axis=1)
    axes.plot(rates[widths], mean, style, color=color, label=f"{len(widths)} × {widths[0]} units")
    axes.fill_between(rates[widths], mean - spread, mean + spread, color=color, alpha=0.2)
axes.axvline(0.3, color="black", linewidth=0.8, linestyle=":", label="30 %")
axes.set(xlabel="dropout rate behind every hidden layer", ylabel="validation accuracy")
axes.legend()
show(
    figure,
    "For one layer of 256 units the validation accuracy rises up to a rate of 0.8, and is no higher at 0.9. For four layers of 60 it is best at 0.3 and collapses beyond.",
)

# %% [markdown]
# The best rate of those tried is 0.8 for the one (0.9 is no better) and 0.3 for the other. (Five deals; bands are standard deviations.) In the wide layer about 50 of 256 units are kept in a step, and the gain is about ten points, three times that of 0.3. In the narrow network the noise of four layers adds up: at 0.5 it gets only half of
# its training labels right, so it under-fits. (Within these 60 epochs.)
#
# So 30 % is no law. It depends on how many units are there to spare, and on how often the signal has to pass through the noise.
#
# Now the place. Four hidden layers of 60 again. A rate of 0.3 stands at one place only; then four rates that rise from layer to layer, fall, or are all equal with the same sum.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-dropout-place",
    question=(
        "Dropout with rate 0.3 at one place only, one label in five wrong. Where does it gain most?"
    ),
    choices=["At the input", "Behind the second hidden layer", "Behind the last hidden layer"],
    answer=0,
    because=(
        "At the input it gains about seven points, behind the last hidden layer it costs three. "
        "Dropped pixels are new pictures of the same digit; that may be the reason, but the table "
        "does not prove it."
    ),
)

# %% tags=["figure"]
narrow = {"widths": (60, 60, 60, 60)}
places = {"none": narrow}
for i, name in enumerate(["input", *(f"hidden layer {k}" for k in (1, 2, 3, 4))]):
    places[f"0.3 behind {name}"] = {**narrow, "rates": tuple(0.3 * (j == i) for j in range(5))}
by_place = compare(places)

# %% tags=["figure"]
ladders = {
    "uniform 0.1375": (0.1375,) * 4,
    "0.05 0.1 0.15 0.25": (0.05, 0.1, 0.15, 0.25),
    "0.25 0.15 0.1 0.05": (0.25, 0.15, 0.1, 0.05),
}
settings = {name: {**narrow, "rates": (0, *ladder)} for name, ladder in ladders.items()}
by_ladder = compare(settings, seeds=range(6))
ends = ("none", "0.3 behind input", "0.3 behind hidden layer 4")
clean_places = compare({name: places[name] for name in ends}, wrong=0.0)

# %% [markdown]
# At the input the gain is largest, about seven points. Behind the first and the second hidden layer it is two to three, with no difference between the two; behind the third there is none, and just before the output a loss of three. The ladder that rises, 0.05 to 0.25, is three points worse than four equal rates; turned round it is two points
# better (that one is just two standard errors). With right labels we tried the first place and the last, and found no difference to none.
#
# **The claim, tested.** "Not more than 30 % dropout, and none at the start." On these digits: the best of our rates was 0.3 for one network and 0.8 for the other, and in the network where we tried places, the start is the best. What speaks for the advice is that a rate that is too high ruins a narrow, deep network, while one that is too low
# only wastes an opportunity. The authors of dropout themselves recommend about 0.5 for hidden units and 0.2 for inputs (Srivastava et al. 2014).
#
# ## When should we stop?
#
# The two curves at the beginning suggest it: stop where the validation loss is lowest. *Early stopping* watches a value after each epoch. An epoch *improves* if its value is better than the best so far by more than `min_delta`. When `patience` epochs, one after another,
# have not improved, training ends, and the weights of the best epoch are put back. `mode` says whether better means smaller ("min", for a loss) or larger ("max", for an accuracy).
#
# L1, L2 and dropout are *model strategies*: they change the network or its loss. Early stopping is a *training strategy*: it leaves both as they are and watches. In code it is a *callback*, an object that the training loop calls after every epoch.
#
# An example by hand. These losses stand on the slides, for the epochs 1, 15, 25, 35 and 99; we take them as five epochs in a row:
#
# | epoch | loss | gain on the best so far | improves with min_delta 0 | with min_delta 0.0001 |
# |---|---|---|---|---|
# | 1 | 0.21 | – | yes, the first always does | yes |
# | 2 | 0.0401 | 0.1699 | yes | yes |
# | 3 | 0.04001 | 0.00009 | yes | no, waited 1 |
# | 4 | 0.03998 | 0.00003; on 0.0401: 0.00012 | yes | yes: the best is still 0.0401 |
# | 5 | 0.3 | – | no, waited 1 | no, waited 1 |
#
# With patience 1 and min_delta 0 training ends after epoch 5, and the weights of epoch 4 come back. With min_delta 0.0001 and patience 1 it ends after epoch 3, with the weights of epoch 2. With patience 2 it goes on.

# %% tags=["figure"]
from nnlib.widgets import EarlyStoppingScrubber

EarlyStoppingScrubber()

# %% [markdown]
# What to see: little patience stops in a dent of the curve or on a plateau; much patience costs epochs and little else, since the best weights come back. And with much patience the rows that chose the epoch report, on average, too small a loss. What the figure does not show: what is gained over training on, and on how many deals.
#
# Now write it. The training loop makes one object, and after every epoch calls its method `step` with the value and the present weights. The loop goes on using the array that it hands over.


# %% exercise="EarlyStopping"
class EarlyStopping:
    """Watch a value after each epoch, say when to stop, and keep the weights of the best epoch."""

    def __init__(self, patience, min_delta, mode):
        """Set up: patience, at least 1; min_delta, at least 0; mode, "min" or "max".

        Attributes that are read from outside, right after any call of step:
        best, the value of the best epoch; best_epoch, its number, counted from 1;
        best_weights, a copy of its weights.
        """
        ### BEGIN SOLUTION
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1  # sign * value is small when good
        self.best = self.sign * np.inf
        self.best_epoch = 0
        self.best_weights = None
        self.epoch = self.wait = 0
        ### END SOLUTION

    def step(self, value, weights):
        """Take in one epoch; return True if training shall stop now, else False.

        An epoch improves if its value is better than the best so far by more than min_delta;
        equal is not better. The first epoch always improves, whatever its value: scores may be
        negative. Stop as soon as `patience` epochs, one after another, have not improved.

        Example: patience 1, min_delta 0, mode "min" and the losses of the slides give False, False,
        False, False, True; then best = 0.03998 and best_epoch = 4.
        """
        ### BEGIN SOLUTION
        self.epoch += 1
        if self.sign * value < self.sign * self.best - self.min_delta:
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = weights.copy()
            self.wait = 0
        else:
            self.wait += 1
        return self.wait >= self.patience
        ### END SOLUTION


# %% check="EarlyStopping"
check("EarlyStopping")

# %% [markdown]
# ## What does stopping cost, and whom does it flatter?
#
# The slides demonstrate early stopping on "dummy data", 1000 rows of 10 random numbers with random labels 0 and 1. There is nothing to learn, so the best that can be said is ½ for everything, and the loss of that is $\log 2 = 0.693$. Eight such sets; 700 rows train, 100 choose the epoch, 200 only report.

# %% tags=["figure"]
from nnlib.training import EarlyStopping as StoppingCallback

found = []
for seed in range(8):
    rng = np.random.default_rng(seed)
    X, y = rng.random((1000, 10)), rng.integers(0, 2, 1000)
    hidden = [Linear(10, 64, rng=rng), ReLU(), Linear(64, 64, rng=rng), ReLU()]
    model = Sequential(*hidden, Linear(64, 2, rng=rng))
    watch = StoppingCallback(patience=60, mode="max", monitor="validation_accuracy")
    settings = {"optimizer": Adam(model, lr=0.003), "rng": seed, "progress": False}
    settings |= {"loss": CrossEntropy(), "epochs": 60, "batch_size": 100}
    settings |= {"validation_data": (X[700:800], y[700:800]), "callbacks": [watch]}
    history = fit(model, X[:700], y[:700], **settings)
    stopped = StoppingCallback(patience=5).replay(history.validation_loss)
    reported = accuracy(model, X[800:], y[800:])  # fit has put the best epoch back
    losses = [history.loss[-1], history.validation_loss[-1], stopped.best, stopped.stop_epoch]
    found.append([*losses, watch.best, reported])

means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(8)
print(f"after 60 epochs: training loss {means[0]:.3f}, validation loss {means[1]:.3f}")
print(f"patience 5 stops after {means[3]:.1f} epochs; best validation loss {means[2]:.3f}")
print(f"best possible: {np.log(2):.3f}")
print(
    f"accuracy of the best of 60 epochs, on the rows that chose: {means[4]:.1%} ± {errors[4]:.1%}"
)
print(
    f"                                   on rows that did not:   {means[5]:.1%} ± {errors[5]:.1%}"
)

# %% [markdown]
# (Means of eight sets; ± is the standard error.) The network learns the random labels: its training loss falls to about 0.4, far below what can be known, and the validation loss rises to about 1. Early stopping ends this after some nine epochs. It cannot bring the loss below 0.693, and does not.
#
# Then the last two lines. The best of sixty accuracies was about 56 %, and the very same weights are right in about 51 % of other rows: guessing. Nothing was learned; luck was selected. *The rows that chose the epoch cannot report how good it is.* We need a third part of the data: training rows, rows
# that choose, rows that report.
#
# On the digits with wrong labels there is something to gain. Training rows 200, and of the others 100 choose the epoch; the rest reports. Six deals:

# %% tags=["figure"]
print(
    "patience   epochs   best epoch   reporter ± sd     gain ± se            chooser - reporter ± se"
)
never = None
for patience in (None, 1, 3, 10, 30):
    found = []
    for seed in range(6):
        train, (X, y) = deal(seed, 0.2)
        model = network(seed)
        watch = [StoppingCallback(patience)] if patience else []
        settings = {"optimizer": Adam(model, lr=0.01), "rng": seed, "progress": False}
        settings |= {"loss": CrossEntropy(), "epochs": 80, "batch_size": 100}
        settings |= {"validation_data": (X[:100], y[:100]), "callbacks": watch}
        epochs = len(fit(model, *train, **settings).loss)
        best = watch[0].best_epoch if patience else epochs
        scores = accuracy(model, X[:100], y[:100]), accuracy(model, X[100:], y[100:])
        found.append([epochs, best, *scores])
    epochs, best, chooser, reporter = np.transpose(found)
    never = reporter if patience is None else never
    scores = f"{reporter.mean():6.1%} ± {reporter.std():4.1%}   {gain(reporter, never):<19}"
    print(
        f"{patience or 'never':>8}   {epochs.mean():6.1f}   {best.mean():10.1f}   {scores}   {gain(chooser, reporter)}"
    )

# %% [markdown]
# Stopping gains nine to ten points, and saves most of the epochs. Here the shortest patience does as well as any, for the validation loss has one clear minimum; on a restless curve patience 1 stops in the first dent, as the figure showed.
#
# Do the choosing rows flatter here, too? They read half a point to one and a half above the reporting ones, but with an error as large, and by 2.9 ± 1.6 where nothing was chosen at all. So these six deals show no flattery.
#
# ## Can we have more data for nothing?
#
# The surest cure for over-fitting is more data. *Augmentation* makes new training rows from old ones, by changes that keep the label: a digit turned by ten degrees is the same digit. Which changes keep the label is knowledge about the task that the rows do not contain. The figure asks you for it.

# %% tags=["figure"]
from nnlib.widgets import AugmentationGallery

AugmentationGallery()

# %% [markdown]
# What to see: half a turn makes a 6 a 9, and a mirrored 3 is no digit at all; a network trained with such pictures pays for it. What the figure does not show: rows with wrong labels. On our two kinds of rows, with each training picture changed anew in every epoch:

# %% tags=["figure"]
from nnlib.augmentation import (
    Compose,
    FlipHorizontal,
    FlipVertical,
    GaussianNoise,
    Mixup,
    Reshaped,
    Rotate,
    Scale,
    Shift,
)

kinds = {
    "none": None,
    "rotate by 20° at most": Rotate(20),
    "scale by 10 % at most": Scale(0.9, 1.1),
    "shift by 0.5 pixel": Shift(0.5, whole=False),
    "rotate and shift": Compose([Rotate(20), Shift(0.5, whole=False)]),
    "noise, sd 0.1": GaussianNoise(0.1),
    "mixup": Mixup(0.4, n_classes=10),
}
mirrors = {"mirror left and right": FlipHorizontal(), "mirror top and bottom": FlipVertical()}


def augmented(kinds):
    return {
        name: {"augment": Reshaped((8, 8), kind)} if kind else {} for name, kind in kinds.items()
    }


by_kind = compare(augmented(kinds), wrong=0.2)
some = {name: kinds[name] for name in ("none", "rotate and shift", "mixup")}
by_kind_clean = compare(augmented(some | mirrors), wrong=0.0)

# %% [markdown]
# With wrong labels every change but the scaling helps: the network never sees the same picture twice, and finds it harder to learn single ones by heart. (Ten per cent of eight pixels is less than one pixel: hardly a change.) Small turns and shifts together gain about nine points. With right labels they gain nothing that we could prove. And the mirrors cost about three points, with all labels right: they teach
# the network digits that do not exist. Augmentation is knowledge put in by hand, and wrong knowledge does harm.
#
# *Mixup* is an odd one in the list: it lays two pictures over each other and mixes their labels in the same proportion (Zhang et al. 2018). It is an exercise under *Going further*, where sound and text are tried, too.
#
# Now for images, by hand. Three rules are easily broken. A copy takes the label of its original along, also when the batch is shuffled. What comes in from outside the picture is background, 0, not the opposite edge. And only training rows are copied: a shifted copy of a validation row in the training batch would
# show the network nearly the very picture that it is to be judged on.


# %% exercise="augment_batch"
def augment_batch(images, labels, is_training, shifts, order):
    """Make a training batch: each training image as it is, and once more shifted; shuffled.

    First comes a list: the M training images, in their order, then their M shifted copies, in the
    same order. Then entry i of the batch is entry order[i] of the list.

    Parameters: images (N, H, W); labels (N,); is_training (N,), True for the M training rows, False
    for validation rows, which must not appear; shifts (N, 2), whole numbers (down, right) for each
    row, also 0 or negative, smaller in size than H and W; order, a permutation of 0 … 2M - 1.
    Pixels that come in from outside are 0.
    Returns: batch (2M, H, W) and batch_labels (2M,).

    Example: one image [[1, 2], [3, 4]] with label 7, shift (1, 0) and order [1, 0] gives the batch
    [[[0, 0], [1, 2]], [[1, 2], [3, 4]]] and the labels [7, 7].
    """
    ### BEGIN SOLUTION
    originals = images[is_training]
    height, width = images.shape[1:]
    copies = np.zeros_like(originals)
    for i, (down, right) in enumerate(shifts[is_training]):
        for row in range(max(0, down), min(height, height + down)):
            for column in range(max(0, right), min(width, width + right)):
                copies[i, row, column] = originals[i, row - down, column - right]
    batch = np.concatenate([originals, copies])[order]
    batch_labels = np.concatenate([labels[is_training]] * 2)[order]
    return batch, batch_labels
    ### END SOLUTION


# %% check="augment_batch"
check("augment_batch")

# %% [markdown]
# ## Should a label be certain?
#
# Cross-entropy is satisfied only when the right class has probability 1, and the logits grow without end to get there. *Label smoothing* asks for less: $1 - \epsilon$ for the label, and $\epsilon$ shared by all $K$ classes,
#
# $$t_k = (1 - \epsilon)\,[k = \text{label}] + \frac{\epsilon}{K} .$$
#
# For five classes, label 1 and $\epsilon = 0.1$:

# %% tags=["nbval-check-output"]
K, label, epsilon = 5, 1, 0.1
t = (1 - epsilon) * (np.arange(K) == label) + epsilon / K
print("targets:", t, " sum:", t.sum())

# %% [markdown]
# The loss on such targets cannot be compared with the plain one. So we judge by three numbers on validation rows: accuracy, mean *confidence* (the probability given to the chosen class), and the plain cross-entropy.

# %% tags=["figure"]
from scipy.special import softmax

for wrong in (0.0, 0.2):
    print(f"{wrong:3.0%} wrong   accuracy ± sd  confidence   cross-entropy   gain in accuracy ± se")
    results = {epsilon: [] for epsilon in (0.0, 0.1, 0.3)}
    for epsilon, found in results.items():
        for seed in range(5):
            _, right, model = train_once(seed, wrong, loss=CrossEntropy(label_smoothing=epsilon))
            X, y = deal(seed, wrong)[1]
            q = softmax(model.predict(X).astype(float), axis=1)
            found.append([right, q.max(axis=1).mean(), -np.log(q[np.arange(len(y)), y]).mean()])
        right, confidence, entropy = np.mean(found, axis=0)
        gained = gain(np.array(found)[:, 0], np.array(results[0.0])[:, 0])
        spread = np.std(found, axis=0)[0]
        print(
            f"ε = {epsilon:3.1f}    {right:5.1%} ± {spread:4.1%}   {confidence:8.1%}   {entropy:11.3f}       {gained}"
        )

# %% [markdown]
# The accuracy gains a little: half a point to a point with right labels, one to two with wrong ones, none of it by more than three standard errors. The confidence falls a lot. A plain network is a little surer of itself than it should be: 95 % confident, 93 % right. With $\epsilon = 0.3$ it is
# far less sure than it should be, 60 % confident and 94 % right, and its cross-entropy is worse for it. Whoever needs the class may smooth; whoever needs the probability must look twice.
#
# ## Does every regularizer add a penalty?
#
# One often reads: "every regularizer adds a penalty to the loss." We look at what is minimized. One network with fixed weights $\theta$, one set of rows; what does each method add to the loss that its optimizer sees?

# %% tags=["figure"]
from nnlib.augmentation import shift

(X, y), _ = deal(0, 0.2)
_, _, model = train_once(0, 0.2)
theta, weights = model.theta.copy(), model.decay_mask


def loss_of(network_, rows=X, labels=y, loss=None):
    return float((loss or CrossEntropy()).forward(network_.forward(rows), labels))


plain = loss_of(model)
l2, l1 = 0.003 * np.sum(theta[weights] ** 2), 0.003 * np.abs(theta[weights]).sum()
print(f"the loss alone             {plain:.3f}")
print(f"L2, strength 0.003: adds   {l2:.3f}, a function of the weights alone")
print(f"L1, strength 0.003: adds   {l1:.3f}, a function of the weights alone")
thinned = network(0, rates=(0, 0.5))
thinned.theta[:] = theta
draws = [loss_of(thinned) - plain for _ in range(200)]
print(
    f"dropout 0.5: changes it by {np.mean(draws):.3f} ± {np.std(draws):.3f}, anew in each of 200 passes"
)
moves = np.random.default_rng(0).integers(-1, 2, (200, 2, 200))
shifted = [shift(X.reshape(-1, 8, 8), *move).reshape(-1, 64) for move in moves]
draws = [loss_of(model, rows) - plain for rows in shifted]
print(
    f"shifts: change it by       {np.mean(draws):.3f} ± {np.std(draws):.3f}, other rows each time"
)
smoothed = loss_of(model, loss=CrossEntropy(label_smoothing=0.1)) - plain
print(
    f"smoothing 0.1: adds        {smoothed:.3f}, a function of rows, outputs and weights together"
)
losses = []
for watch in ([], [StoppingCallback(12)]):
    fresh = network(0)
    settings = {"optimizer": Adam(fresh, lr=0.01), "rng": 0, "epochs": 12, "callbacks": watch}
    settings |= {"loss": CrossEntropy(), "validation_data": deal(0)[1], "progress": False}
    losses.append(np.array(fit(fresh, X, y, **settings).loss))
added = np.abs(losses[1] - losses[0]).max()
print(f"early stopping: adds       {added:.3f} at most, in 12 epochs with it and without it")

# %% [markdown]
# So it is not true as it stands. Penalties add a number that depends on the weights alone. Dropout changes the network, augmentation the rows, early stopping the time; label smoothing the targets. What they share is not a term in the loss but an effect, a smaller gap.
#
# Now all of them side by side. The settings 0.01, 0.7 and 12 epochs were chosen on the deals above, which now flatter them. So we report on five new deals (of the same 1,297 digits, so not quite as new as the locked ones).

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-five-methods",
    question="One label in five wrong, five new deals, each method at a setting chosen before. Which gains most?",
    choices=[
        "The L2 penalty",
        "Dropout",
        "Turned and shifted pictures",
        "Stopping early",
        "Label smoothing",
        "Four of them about the same",
    ],
    answer=5,
    because=(
        "Four gain about eight points each, and differ by about a point at most. What they share is that "
        "they leave no room for learning the wrong labels; smoothing does not do that."
    ),
)

# %% tags=["figure"]
methods = {
    "plain": {},
    "L2 0.01": {"penalty": L2(0.01)},
    "dropout 0.7": {"rates": (0, 0.7)},
    "rotate and shift": {"augment": Reshaped((8, 8), kinds["rotate and shift"])},
    "stop after 12 epochs": {"epochs": 12},
    "smoothing 0.3": {"loss": CrossEntropy(label_smoothing=0.3)},
}
by_method = compare(methods, wrong=0.2, seeds=range(5, 10))
for name, (training, validation) in by_method.items():
    print(f"{name:<22} gap {np.mean(training - validation):6.1%}")

# %% [markdown]
# Four very different methods gain seven and a half to eight and a half points, with no difference between them that we could prove, and only one of them is a penalty. (On the deals that chose the settings L2 showed +10.5. A lower number on new deals is to be expected; the errors are too large to prove it here.) Three gaps turn negative: the network reads new pictures better than it agrees with its own training labels, one fifth of which are wrong. Label smoothing narrows the gap only from 20.8 to 19.4 %; nothing
# keeps it from learning wrong labels, it only learns them less firmly.
#
# There is a grain of truth in the claim. For a *linear* model with squared error, dropout does add a penalty, on average over the masks. Let $k_j$ be 1 where the mask keeps number $j$ of a row and 0 where it drops it, and $\tilde x_j = x_j k_j / (1 - \text{rate})$ what the model sees.
#
# - The mean of $\tilde x_j$ is $x_j$: that is what the division is for.
# - The variance of $k_j$ is $\text{rate}\,(1 - \text{rate})$, so that of $\tilde x_j$ is $x_j^2\,\text{rate}/(1 - \text{rate})$.
# - The prediction is $\hat y = \sum_j \tilde x_j w_j$. Its mean is $xw$. The tosses are independent, so its variance is the sum of the variances, each times $w_j^2$.
# - A mean square is the square of the mean plus the variance. Applied to $\hat y_n - y_n$, with the target $y_n$ of row $n$:
#
# $$\mathbb{E}\,\frac1N \sum_n (\hat y_n - y_n)^2 = \frac1N \sum_n (x_n w - y_n)^2 + \frac{\text{rate}}{1 - \text{rate}} \sum_j w_j^2\,\frac1N\sum_n x_{nj}^2 .$$
#
# This is an L2 penalty with a strength for each column. (Wager, Wang and Liang, 2013, extend it to other linear models, as an approximation.) For a network with hidden layers no such formula is known to hold exactly. Measured:

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
X_line, w_line = rng.normal(size=(50, 4)) * [1, 2, 0.5, 3], np.array([1.0, -0.5, 2.0, 0.3])
y_line = rng.normal(size=50)
kept = rng.random((20_000, 50, 4)) >= 0.3
averaged = np.mean(((X_line * kept / 0.7) @ w_line - y_line) ** 2)
error = np.mean((X_line @ w_line - y_line) ** 2)
penalty = 0.3 / 0.7 * np.sum(w_line**2 * np.mean(X_line**2, axis=0))
print(f"mean over 20,000 masks: {averaged:.3f}")
print(f"without dropout {error:.3f} + penalty {penalty:.3f} = {error + penalty:.3f}")

# %% [markdown]
# ## Does your code regularize?
#
# Now your functions train a network on digits with wrong labels, in a loop of ten lines: dropout, an L2 penalty, early stopping, and a batch of shifted copies. NumPy and SciPy's softmax do the rest; no layer of the library is involved. First as it is, then with your regularizers one at a time, at last with three together.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="05-together",
    question=(
        "Your L2 penalty, dropout and early stopping work together, each a little weaker than "
        "alone. What do they gain, compared with dropout alone?"
    ),
    choices=["About the sum of the three gains", "Some points more", "Nothing more"],
    answer=2,
    because=(
        "Each of them removes the same fault, the wrong labels learned by heart. Where one has "
        "removed it, the others find little left to do."
    ),
)

# %% tags=["drive"]
from grading.check import passed

ours = ("l2_penalty", "dropout_forward", "dropout_backward", "EarlyStopping", "augment_batch")
if passed(*ours):
    is_weight = np.r_[np.ones(64 * 128), np.zeros(128), np.ones(1280), np.zeros(10)].astype(bool)

    def predict_with(theta, x):
        W1, b1, W2, b2 = np.split(theta, [8192, 8320, 9600])
        return np.maximum(x @ W1.reshape(64, 128) + b1, 0) @ W2.reshape(128, 10) + b2

    def gradient(theta, x, t, rate, rng):
        """Return the gradient of the loss of one batch, with your dropout behind the hidden layer."""
        W1, b1, W2, b2 = np.split(theta, [8192, 8320, 9600])
        h = np.maximum(x @ W1.reshape(64, 128) + b1, 0)
        y, kept = dropout_forward(h, rng.random(h.shape), rate, True)
        z = y @ W2.reshape(128, 10) + b2
        dz = (softmax(z, axis=1) - np.eye(10)[t]) / len(x)
        dh = dropout_backward(dz @ W2.reshape(128, 10).T, kept, rate, True) * (h > 0)
        return np.concatenate([(x.T @ dh).ravel(), dh.sum(0), (y.T @ dz).ravel(), dz.sum(0)])

    print(
        "driven by your code: 4 deals, one label in five wrong; accuracy on rows that did not choose"
    )


# %% tags=["drive"]
def run_yours(seed, strength=0.0, rate=0.0, patience=None, copies=False):
    """Train for 60 epochs at most; return the accuracy on rows that did not choose the epoch."""
    (X, t), (X_val, t_val) = deal(seed, 0.2)
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=9610) * np.where(np.arange(9610) < 8192, 0.18, 0.12) * is_weight
    watch = EarlyStopping(patience or 60, 0.0, "max")
    for _ in range(60):
        for rows in np.array_split(rng.permutation(200), 8):
            x, labels = X[rows], t[rows]
            if copies:
                moves, order = rng.integers(-1, 2, (25, 2)), rng.permutation(50)
                x = x.reshape(25, 8, 8)
                x, labels = augment_batch(x, labels, np.ones(25, bool), moves, order)
            slope = gradient(theta, x.reshape(-1, 64), labels, rate, rng)
            theta -= 0.3 * (slope + l2_penalty(theta, is_weight, strength)[1])
        right = np.mean(predict_with(theta, X_val[:100]).argmax(axis=1) == t_val[:100])
        if watch.step(right, theta):
            break
    best = watch.best_weights if patience else theta
    return float(np.mean(predict_with(best, X_val[100:]).argmax(axis=1) == t_val[100:]))


if passed(*ours):
    plain = []
    for name, setting in {
        "nothing": {},
        "your l2_penalty, 0.005": {"strength": 0.005},
        "your dropout, 0.7": {"rate": 0.7},
        "your EarlyStopping, patience 5": {"patience": 5},
        "your augment_batch": {"copies": True},
        "L2, dropout and stopping": {"strength": 0.002, "rate": 0.5, "patience": 10},
    }.items():
        values = [run_yours(seed, **setting) for seed in range(4)]
        plain = plain or values
        report(name, values, plain)

# %% [markdown]
# (Mean ± standard deviation of four deals; gain ± standard error.) Each alone gains several points. The three together are no better than dropout alone: cures of the same fault do not add up here.
#
# And your `soft_threshold` chooses measurements of tumors, with a gradient of three lines:

# %% tags=["drive"]
if passed("soft_threshold"):
    order = np.random.default_rng(0).permutation(569)
    seen, unseen = order[:300], order[300:]
    standard = (tumors.X - tumors.X[seen].mean(axis=0)) / tumors.X[seen].std(axis=0)
    w, b = np.zeros(30), 0.0
    for _ in range(500):
        slope = 1 / (1 + np.exp(-(standard[seen] @ w + b))) - tumors.y[seen]
        w = soft_threshold(w - 0.3 * (standard[seen].T @ slope) / 300, 0.3 * 0.05)
        b -= 0.3 * slope.mean()
    right = np.mean((standard[unseen] @ w + b > 0) == tumors.y[unseen])
    print(f"{np.sum(w != 0)} of 30 measurements kept by your step; of 269 tumors {right:.1%} right")
    print(", ".join(f"{tumors.feature_names[i]} {w[i]:+.2f}" for i in np.flatnonzero(w)))

# %% [markdown]
# ## What would you choose?
#
# 200 digits, one label in five wrong, a network that could learn them all by heart: it is your turn. Set the regularizers in the cell below and run it, as often as you like. Your network and the plain one are trained on the same four deals from the same beginnings. Of each deal's other rows, 200 may
# stop the training; the others report.

# %% tags=["figure"]
my_choice = {
    "widths": (128,),  # hidden units of each layer
    "epochs": 60,
    "l2": 0.003,
    "l1": 0.0,
    "dropout": (0.2, 0.5),  # before each linear layer: at the input, then behind each hidden layer
    "smoothing": 0.0,
    "rotate": 0,  # degrees, at most
    "shift": 0.5,  # pixels, at most
    "mixup": 0.0,
    "patience": None,  # or a number of epochs
}


def train_choice(choice, seed):
    """Train with the chosen regularizers; return the accuracy that reports, and the model."""
    train, (X, y) = deal(seed, 0.2)
    model = network(seed, choice["widths"], choice["dropout"])
    transforms = [Rotate(choice["rotate"])] if choice["rotate"] else []
    transforms += [Shift(choice["shift"], whole=False)] if choice["shift"] else []
    transforms += [Mixup(choice["mixup"], n_classes=10)] if choice["mixup"] else []
    fit(
        model,
        *train,
        loss=CrossEntropy(label_smoothing=choice["smoothing"]),
        optimizer=Adam(model, lr=0.01),
        epochs=choice["epochs"],
        batch_size=100,
        validation_data=(X[:200], y[:200]),
        penalty=ElasticNet(l1=choice["l1"], l2=choice["l2"]),
        augment=Reshaped((8, 8), Compose(transforms)) if transforms else None,
        callbacks=[StoppingCallback(choice["patience"])] if choice["patience"] else [],
        rng=seed,
        progress=False,
    )
    return accuracy(model, X[200:], y[200:]), model


nothing = {**dict.fromkeys(my_choice, 0), "widths": (128,), "epochs": 60, "dropout": ()}
plain_runs = [train_choice(nothing, seed) for seed in range(4)]
my_runs = [train_choice(my_choice, seed) for seed in range(4)]
plain, mine = ([right for right, _ in runs] for runs in (plain_runs, my_runs))
report("plain", plain, plain)
report("your choice", mine, plain)

# %% [markdown]
# When you are content, open the 500 digits that were locked away at the beginning, once. The number above is the best of all that you have tried on those rows; the number below is not. If you go back and change your choice after having seen it, it will be the best of several, too. Set `open_the_lock = True`.

# %% tags=["figure"]
open_the_lock = False

if open_the_lock:
    print("on 500 digits that had no part in anything, labels right, 4 networks each:")
    X, y = digits.X[locked], digits.y[locked]
    plain, mine = ([accuracy(m, X, y) for _, m in runs] for runs in (plain_runs, my_runs))
    report("plain", plain, plain)
    report("your choice", mine, plain)
else:
    print("locked")

# %% [markdown]
# ## Going further
#
# These exercises do not count in the grade. Each can be done by itself.
#
# **Bias and variance**, from the predictions of many models.


# %% exercise="bias_variance"
def bias_variance(predictions, truth, noise_variance):
    """Divide the expected squared error into its parts.

    Parameters: predictions (R, M), those of R models, each trained on its own draw of the data, at M
    points; truth (M,), the function without noise at these points; noise_variance, σ².
    Returns: bias_squared, variance and expected_error, each a mean over the M points. The variance
    over the R models is the biased one, divided by R. The error is that on new measurements.

    Example: predictions = [[1], [3]], truth = [0] and noise_variance = 0.5 give 4, 1 and 5.5.
    """
    ### BEGIN SOLUTION
    mean_prediction = predictions.mean(axis=0)
    bias_squared = np.mean((mean_prediction - truth) ** 2)
    variance = np.mean(predictions.var(axis=0))
    return bias_squared, variance, bias_squared + variance + noise_variance
    ### END SOLUTION


# %% check="bias_variance"
check("bias_variance")


# %% [markdown]
# **The L1 penalty** and its slope. At $w = 0$ there is a kink, and every slope between $-\lambda$ and $\lambda$ lies under the curve: each is called a *sub-gradient*. We take 0.


# %% exercise="l1_penalty"
def l1_penalty(theta, is_weight, strength):
    """Compute the penalty strength * Σ |w| over the weights, and its sub-gradient.

    Parameters: theta (P,), all parameters; is_weight (P,), True for weights, False for biases;
    strength, the number λ.
    Returns: penalty, one number; gradient (P,). Where a weight is exactly 0 it is 0.

    Example: theta = [2, -3, 5, 0.5], of which the third is a bias, and strength = 0.1 give the
    penalty 0.55 and the gradient [0.1, -0.1, 0, 0.1].
    """
    ### BEGIN SOLUTION
    weights = theta * is_weight
    return strength * np.sum(np.abs(weights)), strength * np.sign(weights)
    ### END SOLUTION


# %% check="l1_penalty"
check("l1_penalty")


# %% [markdown]
# **Weight decay**, one step of plain gradient descent on $L + \lambda \sum w^2$.


# %% exercise="weight_decay_step"
def weight_decay_step(theta, grad, is_weight, lr, strength):
    """Take one step of gradient descent on L + strength * Σ w².

    Parameters: theta (P,), all parameters; grad (P,), the gradient of L alone; is_weight (P,), True
    for weights, False for biases, which the penalty leaves out; lr, the rate η; strength, λ.
    Returns: new_theta (P,); theta must be the same after the call as before.

    Example: one weight 10 with gradient 2, lr = 0.5 and strength = 0.2 gives 7.
    """
    ### BEGIN SOLUTION
    factor = np.where(is_weight, 1 - 2 * lr * strength, 1.0)
    return factor * theta - lr * grad
    ### END SOLUTION


# %% check="weight_decay_step"
check("weight_decay_step")


# %% [markdown]
# **Mixup.** Row $i$ is mixed with its partner, row `order[i]`; labels become rows of probabilities, in the same proportion.


# %% exercise="mixup"
def mixup(X, labels, n_classes, weight, order):
    """Mix each row with a partner, inputs and targets alike.

    Parameters: X (N, d); labels (N,), whole numbers from 0 to n_classes - 1; weight (N,), the share
    of row i itself in its mixture, from 0 to 1; order (N,), a permutation: the partner of row i is
    row order[i], perhaps itself or of the same class, with the share 1 - weight[i].
    Returns: mixed_X (N, d); targets (N, n_classes), rows of probabilities.

    Example: X = [[10], [0]], labels = [0, 1], n_classes = 2, weight = [0.7, 1] and order = [1, 0]
    give mixed_X = [[7], [0]] and targets = [[0.7, 0.3], [0, 1]].
    """
    ### BEGIN SOLUTION
    w = weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    return w * X + (1 - w) * X[order], w * one_hot + (1 - w) * one_hot[order]
    ### END SOLUTION


# %% check="mixup"
check("mixup")

# %% [markdown]
# **Sound and text.** Spoken digits may begin a little later, or with noise in the background; a sentence may lose a word. Does it help? 60 recordings by six speakers, half for training, as loudness in 6 pieces of time and 20 bands of pitch (chance is 10 %); and 120 of our 332 sentences about films, as counts of words. All train on eight copies of each row, changed or equal, so that the number of updates is the same. (The code need not be read.)

# %% tags=["figure"] jupyter={"source_hidden": true}
from itertools import pairwise

from nnlib.augmentation import NoiseAtSNR, TimeShift, WordDrop
from nnlib.features import bag_of_words, build_vocabulary, log_power_spectrum

spoken, films = datasets.load("spoken_digits_60"), datasets.load("film_sentences")


def loudness(waves):
    """Return the log power in 6 pieces of each recording's own length and 20 bands of pitch."""
    edges = np.unique(np.geomspace(3, 129, 21).round().astype(int))
    rows = []
    for frames, length in zip(log_power_spectrum(waves, floor=1e-6), spoken.lengths, strict=True):
        spectrum = frames[: max(6, (length - 256) // 128)]
        bands = [spectrum[:, low:high].mean(axis=1) for low, high in pairwise(edges)]
        centered = np.column_stack(bands) - np.mean(bands)
        rows.append(np.concatenate([part.mean(axis=0) for part in np.array_split(centered, 6)]))
    return np.array(rows)


def trained_on(X, y, test, hidden, seed):
    """Train on rows and return the accuracy on others; both are scaled by the training rows."""
    mean, spread = X.mean(axis=0), X.std(axis=0) + 0.1
    layers = [Linear(X.shape[1], hidden, rng=seed), ReLU()] if hidden else []
    model = Sequential(*layers, Linear(hidden or X.shape[1], len(set(y)), rng=seed))
    settings = {"optimizer": Adam(model, lr=0.003), "rng": seed, "progress": False}
    settings |= {"loss": CrossEntropy(), "epochs": 15, "batch_size": 32}
    fit(model, (X - mean) / spread, y, **settings)
    return accuracy(model, (test[0] - mean) / spread, test[1])


# %% tags=["figure"] jupyter={"source_hidden": true}
print("spoken digits, 8 draws            accuracy ± sd     gain ± se")
changes = {"shift by 50 ms at most": TimeShift(400), "noise, 10 to 30 dB": NoiseAtSNR(10, 30)}
unchanged = loudness(spoken.X)
copies = {"equal copies": [unchanged] * 7}
for name, change in changes.items():
    copies[name] = [loudness(change(spoken.X, spoken.y, rng=i)[0]) for i in range(7)]
results = {name: [] for name in copies}
for name, values in results.items():
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(60)
        train, held = order[:30], order[30:]
        X = np.concatenate([copy[train] for copy in (unchanged, *copies[name])])
        test = (unchanged[held], spoken.y[held])
        values.append(trained_on(X, np.tile(spoken.y[train], 8), test, hidden=64, seed=seed))
    report(name, values, results["equal copies"])

# %% tags=["figure"] jupyter={"source_hidden": true}
print("sentences about films, 8 draws    accuracy ± sd     gain ± se")
results = {rate: [] for rate in (0.0, 0.2)}
for rate, values in results.items():
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(len(films.X))
        train, held = order[:120], order[120:]
        texts = [films.X[i] for i in train]
        vocabulary = build_vocabulary(texts)
        copies = [WordDrop(rate)(texts, films.y[train], rng=i)[0] for i in range(8)]
        X = np.concatenate([bag_of_words(copy, vocabulary) for copy in copies])
        test = (bag_of_words([films.X[i] for i in held], vocabulary), films.y[held])
        values.append(trained_on(X, np.tile(films.y[train], 8), test, hidden=0, seed=seed))
    report(f"words dropped: {rate:.0%}", values, results[0.0])

# %% [markdown]
# Noise helps by about four points, a little more than two standard errors; the shift does nothing that we could prove, perhaps because these features divide each recording into six parts of its own length. Dropping words does not help, perhaps because a classifier that only counts words treats each of them alone anyway.

# %% [markdown]
# ## Do I have it?

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Question, SelfCheck

SelfCheck(
    key="05",
    questions=[
        Question(
            "A model's curves, from many draws of the data, lie close together and far from the "
            "truth. What is large?",
            ["The bias", "The variance", "The noise"],
            answer=0,
            because="They agree, so the variance is small; they are wrong together, which is bias.",
        ),
        Question(
            "Many fits with more and more weights, 100 rows, no penalty, always the smallest perfect "
            "fit. Where is the validation error worst?",
            [
                "With the fewest weights",
                "With about 100 weights",
                "With the most weights",
            ],
            answer=1,
            because="There one fit alone meets every row. With more weights a tame one can be chosen.",
        ),
        Question(
            "Rate 0.2. By what is a kept number multiplied in training, and by what in evaluation?",
            ["0.8 and 1", "1 and 0.8", "1.25 and 1"],
            answer=2,
            because="Four of five are kept, so each stands in for 5/4; in evaluation nobody is missing.",
        ),
        Question(
            "Letters are to be read from photographs. Which change makes new training rows?",
            ["Mirror left and right", "Turn by 5°", "Turn by 180°"],
            answer=1,
            because="The label must stay true: b mirrored is d, and p turned by 180° is d.",
        ),
        Question(
            "200 rows train, 100 chose the epoch and the strength. Which rows can report the accuracy?",
            ["The 100: the model was not trained on them", "All 300 together", "Other rows"],
            answer=2,
            because="The best of many noisy numbers is partly luck. Rows that chose flatter the choice.",
        ),
    ],
)

# %% [markdown]
# ## What we can do now
#
# - A validation loss that turns up while the training loss falls shows over-fitting; the training score alone shows nothing.
# - The error on new rows is bias² plus variance plus noise. Regularizers trade variance for bias. Where the number of weights meets the number of rows the error on new rows peaks, and beyond it falls again; a penalty takes the peak away.
# - L2 shrinks all weights, L1 makes zeros, but only with a step that stops at zero. Biases are left alone.
# - Dropout drops numbers in training and multiplies the kept ones by $1/(1 - \text{rate})$; evaluation does nothing. How much, and where, depends on the network: it must be tried.
# - Early stopping keeps the best epoch. Rows that chose it flatter it; other rows must report.
# - Augmentation helps where the change keeps the label, and harms where it does not.
# - Where labels are right and the network fits them well, regularizers have little to give. We compare in pairs, with error bars, and believe no rule of thumb that was not tested on our own data.
#
# ## Papers
#
# - A. E. Hoerl, R. W. Kennard (1970), *Ridge regression: biased estimation for nonorthogonal problems*, Technometrics 12, 55–67: the L2 penalty.
# - A. Krogh, J. A. Hertz (1991), *A simple weight decay can improve generalization*, NIPS 4, 950–957.
# - S. Geman, E. Bienenstock, R. Doursat (1992), *Neural networks and the bias/variance dilemma*, Neural Computation 4, 1–58.
# - R. Tibshirani (1996), *Regression shrinkage and selection via the lasso*, Journal of the Royal Statistical Society B 58, 267–288: L1.
# - L. Prechelt (1998), *Early stopping – but when?*, in Neural Networks: Tricks of the Trade, Springer, 55–69.
# - P. Y. Simard, D. Steinkraus, J. C. Platt (2003), *Best practices for convolutional neural networks applied to visual document analysis*, ICDAR, 958–963: augmented digits.
# - H. Zou, T. Hastie (2005), *Regularization and variable selection via the elastic net*, Journal of the Royal Statistical Society B 67, 301–320.
# - S. Wager, S. Wang, P. Liang (2013), *Dropout training as adaptive regularization*, NIPS 26.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014), *Dropout: a simple way to prevent neural networks from overfitting*, Journal of Machine Learning Research 15, 1929–1958.
# - C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna (2016), *Rethinking the Inception architecture for computer vision*, CVPR, 2818–2826: label smoothing.
# - C. Zhang, S. Bengio, M. Hardt, B. Recht, O. Vinyals (2017), *Understanding deep learning requires rethinking generalization*, ICLR: random labels.
# - H. Zhang, M. Cissé, Y. N. Dauphin, D. Lopez-Paz (2018), *mixup: beyond empirical risk minimization*, ICLR.
# - M. Belkin, D. Hsu, S. Ma, S. Mandal (2019), *Reconciling modern machine-learning practice and the classical bias–variance trade-off*, PNAS 116, 15849–15854: double descent.
# - P. Nakkiran, P. Venkat, S. Kakade, T. Ma (2021), *Optimal regularization can mitigate double descent*, ICLR: why the penalty takes the peak away.
