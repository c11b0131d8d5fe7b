# %% [markdown]
# # The Hessian
#
# *Unit 04 · 3 hours · needs: [unit 01](../01-backpropagation/01-backpropagation.ipynb), [unit 02](../02-supervised-learning/02-supervised-learning.ipynb), matrix products, the dot product*
#
# A training run goes well. We make the learning rate one fifth larger, to save time, and the loss explodes. The gradient
# gave no warning: it says which way is down, and nothing about how far. What decides how far, and can we know it
# before the run?
#
# At the end of this unit we can
#
# - say what the second derivatives of a loss are, and read minimum, maximum and saddle from them;
# - compute the largest stable learning rate of a trained network, and see the network keep to it;
# - multiply by a matrix of a million rows without ever writing it down;
# - take Newton's step, and keep it from running into saddles;
# - say what the cheap stand-ins leave out, and what "flat" and "sharp" are worth.
#
# Three hours are meant for the part before *Going further*; the first readers took four to five, in three sittings. Two good
# places for a break are marked. The longer cells only measure, for a few seconds at most: skip their code and read the table.

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% [markdown]
# ## What does the slope not tell us?
#
# Here are two losses of a single parameter. At $\theta = 1$ both have the slope 1:
#
# $$a(\theta) = \tfrac12\,\theta^2, \qquad b(\theta) = \tfrac12\cdot 10\,(\theta - 0.9)^2 .$$
#
# Both get the same step of gradient descent with the learning rate $\eta = 0.3$. It leads from 1 to $1 - 0.3\cdot 1 = 0.7$.
# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Prediction

Prediction(
    key="04-slope",
    question="Same slope, same step, down the slope in both. What do the two losses do?",
    choices=["Both fall", "One falls and one rises", "Both rise"],
    answer=1,
    because=(
        "A slope holds at the point where it was measured. How soon it changes is decided by the "
        "second derivative, and that of b is ten times as large."
    ),
)

# %% tags=["nbval-check-output"]
before, after = 1.0, 0.7
print(f"a: {0.5 * before**2:.3f} -> {0.5 * after**2:.3f}")
print(f"b: {5 * (before - 0.9) ** 2:.3f} -> {5 * (after - 0.9) ** 2:.3f}")

# %% [markdown]
# Loss $a$ is halved, loss $b$ is four times as large as before: its bottom at 0.9 was near, and the step went far past it. The
# number that tells the two apart is the *second derivative*, the slope of the slope: 1 for $a$ and 10 for $b$. It is also called
# the *curvature*. With the gradient $g$ and the curvature $h$ at the present point, a loss near this point is
#
# $$L(\theta + s) \approx L(\theta) + g\,s + \tfrac12\,h\,s^2 .$$
#
# (This is Taylor's formula, cut off after the square. For a parabola it is exact.) The second term says that a step
# down the slope pays; the third grows with the square of the step and takes it back where $h$ is positive.

# %% tags=["nbval-check-output"]
s = -0.3
for name, loss, g, h in (("a", 0.5, 1.0, 1.0), ("b", 0.05, 1.0, 10.0)):
    model_says = loss + g * s + 0.5 * h * s**2
    print(f"{name}: {loss:.3f} {g * s:+.3f} {0.5 * h * s**2:+.3f} = {model_says:.3f}")

# %% [markdown]
# ## What is the second derivative of a loss with many parameters?
#
# With $P$ parameters the gradient has $P$ entries, and each of them can change with each parameter. That makes a table of
# $P$ times $P$ numbers, the *Hessian*:
#
# $$H_{ij} = \frac{\partial^2 L}{\partial\theta_i\,\partial\theta_j} = \frac{\partial g_i}{\partial\theta_j} .$$
#
# Column $j$ says how the whole gradient changes when parameter $j$ moves. For a smooth loss the order of the two derivatives
# does not matter, so $H_{ij} = H_{ji}$: the table is symmetric. An example that can be done by hand:
#
# $$L = \theta_1^2 + \theta_1\theta_2 + \theta_2^2, \qquad g = (2\theta_1 + \theta_2,\ \ \theta_1 + 2\theta_2), \qquad H = \begin{pmatrix} 2 & 1 \\ 1 & 2 \end{pmatrix} .$$
#
# In code a column of $H$ can be had from two gradients, one at $\theta$ and one a small step along one axis:


# %% tags=["nbval-check-output"]
def gradient(theta):
    return np.array([2 * theta[0] + theta[1], theta[0] + 2 * theta[1]])


theta, step = np.array([0.4, -0.3]), 1e-6
columns = [(gradient(theta + step * axis) - gradient(theta)) / step for axis in np.eye(2)]
H = np.column_stack(columns)
print(H.round(6))

# %% [markdown]
# Taylor's formula reads as before, with vectors: $L(\theta + s) \approx L + g^\mathsf{T}s + \tfrac12\,s^\mathsf{T}H\,s$. For a direction $v$ of length 1
# the number $v^\mathsf{T}H\,v$ is the curvature of the loss along $v$: what we would see on a walk in that direction. The
# diagonal of $H$ holds the curvature along the axes. It is not the whole story:

# %% tags=["nbval-check-output"]
for degrees in (0, 45, 90, 135):
    v = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    print(f"{degrees:3d} degrees: curvature {v @ H @ v:.2f}, and H v = {(H @ v).round(2)}")

# %% [markdown]
# Along both axes the curvature is 2, but at 45° it is 3 and at 135° it is 1. These two directions have another property:
# there $H v$ points the same way as $v$. It is 3 times $v$ at 45° and 1 times $v$ at 135°. A direction that a matrix only
# stretches is called an *eigenvector*, and the factor its *eigenvalue* $\lambda$:
#
# $$H\,v = \lambda\,v .$$
#
# What we need of them, for a symmetric matrix with $P$ rows:
#
# - There are $P$ eigenvectors at right angles to each other, and their eigenvalues are ordinary real numbers, which may be negative.
# - The curvature in any direction lies between the smallest and the largest eigenvalue. We count $\lambda_1 \ge \lambda_2 \ge \dots$ from the largest down.
# - Measured along eigenvectors the surface falls apart into parabolas that know nothing of each other. With $c_i = v_i^\mathsf{T}s$, how far $s$ goes along $v_i$: $\ \tfrac12\,s^\mathsf{T}H\,s = \tfrac12\sum_i \lambda_i\,c_i^2$. And back again: $s = \sum_i c_i\,v_i$.
#
# NumPy finds them with `eigh`. It counts from the smallest up, and the eigenvectors are the *columns* of the matrix $V$ that it returns. So $c = V^\mathsf{T}s$ and $s = Vc$. Which is which shows where $V$ is not symmetric,
# so we add a third parameter that stands for itself, with the eigenvalue 2:

# %% tags=["nbval-check-output"]
H3 = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
lambdas, V = np.linalg.eigh(H3)
print("V:", V.round(2), sep="\n")
for i in range(3):
    print(f"eigenvalue {lambdas[i]:.0f}: column {V[:, i].round(2)}")
s = np.array([0.5, 0.2, -0.1])
c = V.T @ s
print(f"half of s.H.s = {0.5 * s @ H3 @ s:.4f}, by parabolas {0.5 * np.sum(lambdas * c**2):.4f}")
print("back again, V c =", (V @ c).round(6))

# %% [markdown]
# ## Is the bottom where everything curves upward?
#
# A point where the gradient is zero is called *critical*. There the linear term of Taylor's formula is gone, and the
# curvatures decide. Four names for a symmetric matrix, by its eigenvalues:
#
# | all eigenvalues | name | at a critical point |
# |---|---|---|
# | positive | positive definite | the loss rises in every direction: a *minimum* |
# | negative | negative definite | it falls in every direction: a *maximum* |
# | some positive, some negative | indefinite | up one way, down another: a *saddle* |
# | one sign, and some zeros | semidefinite | undecided: along the zeros higher derivatives rule |
#
# The last line is not pedantry. $\theta^4$, $-\theta^4$ and $\theta^3$ all have slope 0 and curvature 0 at 0. The first has a
# minimum there, the second a maximum, the third neither. We call such points *degenerate*. But if a positive and a negative
# eigenvalue stand beside the zeros, they change nothing: a way up and a way down make a saddle.
#
# In the figure you name points by their eigenvalues and gradient, and then see them. It also draws a step of *Newton's method*, which has a section of its own below. Leave its sliders for later.

# %% tags=["figure"]
from nnlib.widgets import CriticalPoints

CriticalPoints()

# %% [markdown]
# What to see: the gradient comes first, the signs second, and a flat direction can hide anything. What the figure does not show: more than two directions.
# With a thousand eigenvalues it takes a single negative one to turn a minimum into a saddle.
#
# Computed numbers are hardly ever exactly zero. So there is a *tolerance*: a gradient counts as zero if its length is at most the tolerance, and an
# eigenvalue if its size is.


# %% exercise="classify_critical_point"
def classify_critical_point(gradient, H, tolerance):
    """Name a point of a loss by its gradient and its Hessian.

    The gradient counts as zero if its length is at most the tolerance, an eigenvalue if its size
    is. The name of a point whose gradient is not zero is "not critical". Leave the inputs as they
    are.

    Parameters: gradient (P,); H (P, P), symmetric; tolerance, a positive number.
    Returns: "not critical", "minimum", "maximum", "saddle" or "degenerate".

    Example: gradient [0, 0] and H = [[2, 1], [1, 2]], with eigenvalues 3 and 1, give "minimum".
    Both signs make a "saddle", also beside zeros. Otherwise one zero makes it "degenerate".
    """
    ### BEGIN SOLUTION
    lambdas = np.linalg.eigvalsh(H)
    up, down = np.any(lambdas > tolerance), np.any(lambdas < -tolerance)
    if np.linalg.norm(gradient) > tolerance:
        kind = "not critical"
    elif up and down:
        kind = "saddle"
    elif np.any(np.abs(lambdas) <= tolerance):
        kind = "degenerate"
    else:
        kind = "minimum" if up else "maximum"
    return kind
    ### END SOLUTION


# %% check="classify_critical_point"
check("classify_critical_point")

# %% [markdown]
# The table is often shortened to: *a positive definite Hessian means a minimum*. We test this on real data. Logistic regression (unit 02) sorts 569 tumors into benign and malignant from 30 measurements, each scaled to mean 0 and spread 1. The loss is `BinaryCrossEntropy`, the mean of $-\log$ of the probability of the right answer, and `L2(0.01)` adds 0.01 times the sum of the squared weights (no biases: `decay_mask` says which). We set its parameters at random, a hundred times, and look at gradient and Hessian there.
# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="04-definite",
    question=(
        "Of the 100 random points, how many have a positive definite Hessian without being a "
        "minimum?"
    ),
    answer=100,
    tolerance=5,
    because=(
        "This loss curves upward everywhere, on its slopes as at its bottom. A positive definite "
        "Hessian says that the surface is a bowl here, not that we stand at its lowest point."
    ),
    unit="points",
)

# %% tags=["figure"]
from nnlib import L2, BinaryCrossEntropy, Linear, Sequential, datasets
from nnlib.curvature import Hessian

tumors = datasets.load("breast_cancer")
tumor_X = np.asarray(tumors.X, dtype=float)
tumor_X = (tumor_X - tumor_X.mean(axis=0)) / tumor_X.std(axis=0)
tumor_y = tumors.y.astype(float)[:, None]
penalty, tumor_loss, rng = L2(1e-2), BinaryCrossEntropy(), np.random.default_rng(0)

model = Sequential(Linear(30, 1, dtype=np.float64))
smallest, tumor_slopes = [], []
for _ in range(100):
    model.theta[:] = rng.normal(size=31) / 2
    model.loss_and_gradient(tumor_X, tumor_y, tumor_loss)
    g = model.grad.copy()
    penalty.gradient(model.theta, g, model.decay_mask)  # adds the penalty's part
    H = Hessian(model, tumor_X, tumor_y, tumor_loss, penalty=penalty)
    smallest.append(H.spectrum().eigenvalues[-1])
    tumor_slopes.append(np.linalg.norm(g))
n_definite = int(np.sum(np.array(smallest) > 0))
print(f"positive definite at {n_definite} of 100 points, smallest eigenvalue {min(smallest):.3f}")
print(f"length of the gradient at these points: {min(tumor_slopes):.2f} to {max(tumor_slopes):.2f}")

# %% [markdown]
# Positive definite everywhere, and at none of the hundred points is the gradient near zero. The eigenvalues say *which kind* of critical point a point
# would be; whether it is one, the gradient says.
#
# Is the other direction true at least: does every minimum have a positive definite Hessian? We train a small network on pictures of digits, with a
# penalty on the weights, until the gradient is all but zero. Without the penalty there need not be a minimum: once all digits are read rightly, larger weights lower the loss for ever. `ModelObjective` joins model, loss and data into one function of the
# parameters, and `minimize` lowers it with L-BFGS (unit 07), which gets there fast; here they are only tools.

# %% tags=["figure"]
from nnlib import LBFGS, CrossEntropy, ModelObjective, Tanh, curvature, minimize

digits = datasets.load("digits")
held_out = np.arange(len(digits.X)) % 5 == 0
X, y = digits.X[~held_out][:600].astype(float), digits.y[~held_out][:600]
X_new, y_new = digits.X[held_out].astype(float), digits.y[held_out]
decay, cross_entropy = L2(1e-3), CrossEntropy()


def small_network(seed, width=10, activation=Tanh):
    """Return a network 64-width-10 with random weights."""
    first, second = np.random.default_rng(seed).spawn(2)
    return Sequential(
        Linear(64, width, rng=first, dtype=np.float64),
        activation(),
        Linear(width, 10, rng=second, dtype=np.float64),
    )


minima = []
for seed in range(3):
    model = small_network(seed)
    objective = ModelObjective(model, cross_entropy, X, y, penalty=decay)
    found = minimize(objective, LBFGS(objective), max_steps=4000, tolerance=1e-7)
    minima.append((model, objective, Hessian(model, X, y, cross_entropy, penalty=decay).spectrum()))
    values = minima[-1][2].eigenvalues
    share = np.mean(model.forward(X_new).argmax(axis=1) == y_new)
    length = np.linalg.norm(objective.value_and_gradient()[1])
    kind = curvature.classify_critical_point(length, values, tolerance=1e-5)
    print(f"seed {seed}: {share:.1%} of new digits right, length of the gradient {length:.0e}")
    print(
        f"  {np.sum(values > 1e-5)} eigenvalues above 1e-5, from {values[0]:.2f} down to "
        f"{values[-2]:.1e}; the last {abs(values[-1]):.0e}: {kind}"
    )

# %% [markdown]
# Three trained networks, and in each 759 positive eigenvalues and one that is zero but for rounding. The flat direction has a plain reason: adding the same number to
# all ten output biases changes no probability, and biases carry no penalty. So a minimum need not be positive
# definite. It must be positive *semi*definite, and the library, as your function would, calls these points "degenerate". The loss is exactly
# constant along that direction, so they are minima all the same; only second derivatives cannot tell.
#
# ## Why does the learning rate have an upper limit?
#
# Take a bowl with its bottom at 0 and go along one eigenvector. At the distance $c$ from the bottom the gradient is $\lambda c$, so a
# step of gradient descent does
#
# $$c \leftarrow c - \eta\,\lambda\,c = (1 - \eta\lambda)\,c .$$
#
# Step after step the distance is multiplied by the same factor $1 - \eta\lambda$. If its size is below 1, the distance
# shrinks; if it is above 1, the distance grows without end. Every eigenvector has a factor of its own, and all of them
# share one $\eta$. The four regimes of a single direction with $\lambda = 2$, eight steps each:

# %% tags=["nbval-check-output"]
for lr in (0.2, 0.5, 0.9, 1.1):
    c = [1.0]
    for _ in range(8):
        c.append((1 - lr * 2.0) * c[-1])
    print(f"lr {lr}: factor {1 - lr * 2.0:+.1f}  ", *(f"{value:+.2f}" for value in c[1:]))

# %% [markdown]
# For which $\eta$ does the growth begin, for a given $\lambda$? And which direction of a bowl is the first to reach it? The figure has two. Predict, then move the learning rate
# through the limit.

# %% tags=["figure"]
from nnlib.widgets import QuadraticBowl

QuadraticBowl()

# %% [markdown]
# What to see: the steep direction sets the limit, and the flat one pays for it: at the largest rate that the steep one allows, the flat one still crawls. How
# far the two eigenvalues lie apart, $\lambda_1/\lambda_P$, is called the *condition number*; unit 07 is about living with large ones. What the figure does not show: a loss that is no bowl.
#
# Negative eigenvalues set no limit. Along them the factor is above 1 for every rate, so descent leaves the point anyway; that is how it gets away from a saddle. At a minimum there are none, and the largest eigenvalue is also the one of largest size; elsewhere the two may differ.


# %% exercise="largest_stable_rate"
def largest_stable_rate(H):
    """Find the learning rate up to which the distance from the bottom grows in no direction of H.

    To overshoot is allowed, as long as the step ends no further from the bottom than it began.

    Parameters: H (P, P), symmetric, with at least one positive eigenvalue; leave it as it is.
    Directions of negative curvature set no limit.
    Returns: the rate, one number: below it the distance from the bottom shrinks along every
    eigenvector with a positive eigenvalue, above it grows along at least one.

    Example: H = [[2, 1], [1, 2]] gives 2/3.
    """
    ### BEGIN SOLUTION
    return float(2 / np.linalg.eigvalsh(H)[-1])
    ### END SOLUTION


# %% check="largest_stable_rate"
check("largest_stable_rate")

# %% [markdown]
# Where the limit comes from: for $\lambda > 0$ the distance shrinks if $|1 - \eta\lambda| < 1$, that is $-1 < 1 - \eta\lambda < 1$, that is $0 < \eta < 2/\lambda$. The largest $\lambda$ has the lowest of these limits,
# so all directions together allow $\eta < 2/\lambda_1$.
#
# ## What would it cost to write the Hessian down?
#
# So far the matrix was given. For a network it has $P^2$ entries.
# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="04-memory",
    question=(
        "A network with a million parameters fits into 8 MB (8 bytes a number). How much memory "
        "does its Hessian take?"
    ),
    choices=["16 MB", "8 GB", "8,000 GB"],
    answer=2,
    because="A million times a million numbers of 8 bytes are 8·10¹² bytes.",
)

# %% tags=["figure"]
import tracemalloc
from time import perf_counter


def shortest(work, repeats):
    """Return the shortest of several durations: the one least disturbed by other programs."""
    durations = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        durations.append(perf_counter() - began)
    return min(durations)


def peak_bytes(work):
    """Return how much memory a piece of work takes at its peak."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


print("parameters   one gradient   forming the matrix   its size   peak   its eigenvalues")
forming = {}
for width in (8, 16, 32, 64):
    model = small_network(0, width)
    operator, P = Hessian(model, X, y, cross_entropy), model.theta.size
    one_gradient = shortest(lambda: model.loss_and_gradient(X, y, cross_entropy), 7)
    forming[P] = shortest(operator.dense, 2 if width < 64 else 1)
    memory = peak_bytes(operator.dense)
    eigen = "not tried"
    if width < 32:
        matrix = operator.dense()
        eigen = f"{shortest(lambda: np.linalg.eigvalsh(matrix), 1):.3f} s"
    print(
        f"{P:>10,}  {one_gradient * 1e3:10.2f} ms  {forming[P]:17.3f} s  {8 * P**2 / 2**20:4.0f} MiB"
        f"  {memory / 2**20:3.0f} MiB  {eigen:>15}"
    )
growth = forming[4810] / forming[1210]
print(f"\n4 times the parameters: 16 times the entries, {growth:.0f} times the time to form them")

# %% [markdown]
# Four times the parameters are sixteen times the entries, and each must be computed and stored. (Timings vary; on small matrices the fixed cost of a call hides the growth.) The
# eigenvalues are worse: their time grows with the cube, so twice the parameters take about eight times as long. Above two thousand parameters that is seconds, soon minutes. With a million parameters nobody could store the matrix. But do we need it?
#
# ## How can we multiply by a matrix that we do not have?
#
# Often all that is wanted of $H$ is what it does to a direction $v$: the product $Hv$. And this has a meaning of its own.
# Since $H$ holds the derivatives of the gradient, $Hv$ is *the change of the gradient along $v$*:
#
# $$H\,v = \lim_{\varepsilon\to 0}\ \frac{g(\theta + \varepsilon v) - g(\theta)}{\varepsilon} .$$
#
# Two gradients and a small $\varepsilon$ give it nearly. It can be had exactly: we differentiate the program of the gradient line by line along $v$. Write a dot for "how this value changes when $\theta$ moves along $v$". What does not move has the dot 0; sums are dotted term by term. In a product both factors move, and a
# function of a moving value follows the chain rule:
#
# $$(A\,B)^{\boldsymbol\cdot} = \dot A\,B + A\,\dot B, \qquad f(z)^{\boldsymbol\cdot} = f'(z)\,\dot z .$$
#
# For $h = \tanh z$ the slope is $1 - h^2$, so $\dot h = (1 - h^2)\,\dot z$. The slope itself moves as well, since $h$ does: $(1 - h^2)^{\boldsymbol\cdot} = -2\,h\,\dot h$. This is Pearlmutter's (1994) *R-operator*. The smallest network that has everything: one row $x$, one hidden unit, one output, with
# weights $w_1$, $w_2$ that move along $v_1$, $v_2$. Left the gradient, right its change:
#
# | value | its change along $v$ |
# |---|---|
# | $h = \tanh(w_1 x)$ | $\dot h = (1 - h^2)\,v_1 x$ |
# | $e = w_2 h - t$ | $\dot e = v_2 h + w_2\dot h$ |
# | $\partial L/\partial w_2 = 2\,e\,h$ | $2\,(\dot e\,h + e\,\dot h)$ |
# | $q = 2\,e\,w_2$, the slope with respect to $h$ | $\dot q = 2\,(\dot e\,w_2 + e\,v_2)$ |
# | $\partial L/\partial w_1 = q\,(1 - h^2)\,x$ | two products, for you to dot |
#
# with $L = e^2$ and the target $t$, which stands still. The third line on the right is one entry of $Hv$, and the last one will be the other. The third in code, with the same letters, beside a difference quotient:

# %% tags=["nbval-check-output"]
x, t, w1, w2, v1, v2 = 0.8, 0.3, 0.5, -1.2, 1.0, 2.0


def slope_of_w2(w1, w2):
    h = np.tanh(w1 * x)
    return 2 * (w2 * h - t) * h


h = np.tanh(w1 * x)
h_dot = (1 - h**2) * v1 * x
e, e_dot = w2 * h - t, v2 * h + w2 * h_dot
small = 1e-6
quotient = (slope_of_w2(w1 + small * v1, w2 + small * v2) - slope_of_w2(w1, w2)) / small
print(f"exact {2 * (e_dot * h + e * h_dot):.8f}   difference quotient {quotient:.8f}")

# %% [markdown]
# Now the real thing, with matrices. The network is $h = \tanh(X W_1)$, $y = h W_2$, and the loss is the mean of $(y - t)^2$ over rows and outputs.
# (A column of ones in $X$ can play the part of a bias.) Its gradient is that of unit 01:
#
# $$dy = \frac{2\,(y - t)}{N K}, \qquad dW_2 = h^\mathsf{T} dy, \qquad dh = dy\,W_2^\mathsf{T}, \qquad dz = dh\cdot(1 - h^2), \qquad dW_1 = X^\mathsf{T} dz,$$
#
# where $dz$ belongs to $z = X W_1$, and $K$ is the number of outputs. Write a dotted line below each. $X$ and the targets stand still; $W_1$ and $W_2$ move along $V_1$ and $V_2$; everything
# else moves because they do.


# %% exercise="hessian_vector_product"
def hessian_vector_product(X, targets, W1, W2, V1, V2):
    """Multiply the Hessian of a two-layer network by a direction, exactly.

    The network is h = tanh(X W1), y = h W2, and the loss the mean of (y - targets)² over rows and
    outputs. No difference quotient: the check looks at ten digits. Leave the inputs as they are.

    Parameters: X (N, d), targets (N, K), W1 (d, m), W2 (m, K); V1 and V2, the direction, shaped
    like W1 and W2.
    Returns: HV1 and HV2, shaped like W1 and W2: the changes of dW1 and dW2 along the direction.

    Example: X = [[1], [2]], targets = [[0], [1]], W1 = [[0.5 log 3]], W2 = [[2]], V1 = V2 = [[1]]
    give HV1 = [[3.1428]] and HV2 = [[3.974]]. There h = (0.5, 0.8).
    """
    ### BEGIN SOLUTION
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    dh = dy @ W2.T

    h_dot = slope * (X @ V1)
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * dh * h * h_dot
    return X.T @ dz_dot, h_dot.T @ dy + h.T @ dy_dot
    ### END SOLUTION


# %% check="hessian_vector_product"
check("hessian_vector_product")

# %% [markdown]
# What does such a product cost? Each line has one more line below it, of the same kind. `H @ v` of the library does just this, for any network; the forward and backward pass at the point are
# done once, when `Hessian(...)` is made.

# %% tags=["figure"]
print("parameters   one gradient   one product H v   all of H   memory of H v, of H in MiB")
for width in (8, 64, 256, 2048):
    model = small_network(0, width)
    operator, P = Hessian(model, X, y, cross_entropy), model.theta.size
    v = np.random.default_rng(1).normal(size=P)
    repeats = 7 if width < 2048 else 3
    one_gradient = shortest(lambda: model.loss_and_gradient(X, y, cross_entropy), repeats)
    product = shortest(lambda: operator @ v, repeats)
    memory = peak_bytes(lambda: operator @ v)
    print(
        f"{P:>10,}  {one_gradient * 1e3:10.2f} ms  {product * 1e3:7.2f} ms = {product / one_gradient:3.1f} g"
        f"  {f'{forming[P]:.3f} s' if P in forming else 'no':>9}"
        f"  {memory / 2**20:10.1f}  {8 * P**2 / 2**20:>11,.0f}"
    )

# %% [markdown]
# One product costs no more than about two gradients ("g" in the table), for six hundred parameters as for a hundred and fifty thousand. The whole matrix, taken over from the table above, takes hundreds to thousands of products. (For small ones it may cost less than one: the passes at the point are not counted again.) In memory it takes a few copies of
# the hidden values. The last column is arithmetic: for the largest network here the matrix would take 176 GiB. So: never the matrix, always products.
#
# *A good place for the first break.*
#
# ## How do products find the largest eigenvalue?
#
# By the most stubborn method there is: multiply again and again. Write any start as a sum of eigenvectors, $v = \sum_i c_i v_i$. Then
#
# $$H^k v = \sum_i c_i\,\lambda_i^k\,v_i .$$
#
# The term with the eigenvalue of largest *size* outgrows all others, and the direction of $H^k v$ turns to its eigenvector. This is the *power
# iteration*. Two things to watch:
#
# - The length grows like $|\lambda|^k$, with $\lambda$ the one of largest size, and $3^{700}$ is no number a computer can hold. So $v$ is brought back to length 1 after each product.
# - $\|Hv\|$ has lost the sign of $\lambda$. But for a $v$ of length 1, $v^\mathsf{T}Hv$ is $\lambda$, sign included, once $v$ has turned to the eigenvector (and a good estimate long before).

# %% tags=["nbval-check-output"]
A, v, length = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([1.0, 0.0]), 1.0
for k in range(1, 8):
    v = A @ v
    before, length = length, np.linalg.norm(v)
    print(
        f"after {k} products: v = {v}, second entry / first = {v[1] / v[0]:.4f}, "
        f"{length / before:.4f} times as long"
    )


# %% exercise="power_iteration"
def power_iteration(product, start, n_steps):
    """Find the eigenvalue of largest size of a symmetric matrix that is known by its products.

    Parameters: product, a function: product(v) is the matrix times v, for v of shape (P,);
    start (P,), any length but 0, which must stay as it is; n_steps, how often the vector is
    multiplied (the eigenvalue may take one more product; 2 * n_steps + 2 calls are allowed, too
    few to learn all P columns).
    Returns: the eigenvalue, with its sign, and its eigenvector (P,), as near as n_steps
    multiplications of the start have come, of length 1 and either sign.

    Example: for [[2, 1], [1, 2]] and start = [1, 0], 20 steps give 3 and (1, 1)/√2; after 2 steps
    the vector is (5, 4)/√41.
    """
    ### BEGIN SOLUTION
    v = start / np.linalg.norm(start)
    for _ in range(n_steps):
        w = product(v)
        v = w / np.linalg.norm(w)
    return float(v @ product(v)), v
    ### END SOLUTION


# %% check="power_iteration"
check("power_iteration")

# %% [markdown]
# How many products does a network take? That depends on how far the second eigenvalue is behind: the error of the eigenvalue shrinks by $(\lambda_2/\lambda_1)^2$ a step. The library also has Lanczos' method (1950), which makes more
# of the same products: it keeps all the vectors and looks for the best combination of them (*Going further* has it as an exercise).

# %% tags=["figure"]
model, _, found = minima[0]
print(f"the second eigenvalue is {found.eigenvalues[1] / found.eigenvalues[0]:.2f} of the first")
operator, largest = Hessian(model, X, y, cross_entropy, penalty=decay), found.eigenvalues[0]
for n_products in (5, 10, 20, 40, 80):
    errors = []
    for seed in range(5):
        v = np.random.default_rng(seed).normal(size=760)
        ritz_values, _ = curvature.lanczos(operator, n_products, start=v).ritz()
        best = ritz_values[-1]  # its largest estimate of an eigenvalue
        for _ in range(n_products - 1):
            v = operator @ v
            v /= np.linalg.norm(v)
        errors.append([abs(v @ (operator @ v) / largest - 1), abs(best / largest - 1)])
    power, best = np.mean(errors, axis=0)
    print(
        f"{n_products:3d} products: power iteration off by {power:.0e}, Lanczos by {best:.0e} "
        "(mean of 5)"
    )

# %% [markdown]
# After 20 products Lanczos has all the digits there are. The power iteration, with the second eigenvalue so close behind the first, is off by about a ten-thousandth after 80. For a learning rate that is
# plenty. (In the library: `curvature.power_iteration`, `spectrum` and `largest_stable_rate`.)
#
# ## Does your own code know the limit of a network?
#
# Three of your functions answer the question from the beginning: your product, your power iteration on it, and the rate from the eigenvalue (a matrix of one row). The network is of the kind in your exercise, trained on 200 digits; its top eigenvalue is asked for, and then it is displaced by a
# thousandth and trained on at 0.9, 1.0 and 1.1 of *your* limit.

# %% tags=["drive"]
from grading.check import passed

if passed("hessian_vector_product", "power_iteration", "largest_stable_rate"):
    from nnlib import MSE
    from nnlib.initializers import lecun_normal
    from nnlib.plotting import BACKWARD, PRUNED, TRAINING, new_axes, show

    inputs = np.column_stack([X[:200], np.ones(200)])  # the last weight of each unit is its bias
    targets = np.eye(10)[y[:200]]
    model = Sequential(  # lecun_normal: weights of the spread 1 / sqrt(inputs)
        Linear(65, 8, bias=False, init=lecun_normal, rng=0, dtype=np.float64),
        Tanh(),
        Linear(8, 10, bias=False, init=lecun_normal, rng=1, dtype=np.float64),
    )
    objective = ModelObjective(model, MSE(), inputs, targets)
    bottom = minimize(objective, LBFGS(objective), max_steps=3000, tolerance=1e-6).values[-1]
    W1, W2, theta = model[0].W.copy(), model[2].W.copy(), model.theta.copy()

    def product(v):
        V1, V2 = v[: W1.size].reshape(W1.shape), v[W1.size :].reshape(W2.shape)
        return np.concatenate([
            part.ravel() for part in hessian_vector_product(inputs, targets, W1, W2, V1, V2)
        ])

    rng = np.random.default_rng(0)
    eigenvalue, _ = power_iteration(product, rng.normal(size=theta.size), 200)
    rate = largest_stable_rate(np.array([[eigenvalue]]))
    print(f"your largest eigenvalue {eigenvalue:.3f}, your limit of the learning rate {rate:.2f}")

    figure, (panel,) = new_axes(1, width=5)
    displaced = theta + 1e-3 * rng.normal(size=theta.size) / np.sqrt(theta.size)
    for factor, color, style in ((0.9, TRAINING, "-"), (1.0, PRUNED, "--"), (1.1, BACKWARD, "-.")):
        model.theta[:], rises = displaced, []
        while len(rises) < 80 and (not rises or rises[-1] < 1e3):
            value, g = model.loss_and_gradient(inputs, targets, MSE())
            rises.append(value - bottom)
            model.theta[:] -= factor * rate * g
        panel.plot(rises, style, color=color, label=f"{factor} of the limit")
    panel.set(xlabel="step", ylabel="loss above the minimum", yscale="log", ylim=(1e-10, 1e4))
    panel.legend()
    show(
        figure,
        "At 0.9 of your limit the loss falls back, at 1.0 it falls and then stays, at 1.1 it grows "
        "a millionfold and more.",
    )

# %% [markdown]
# ## Does a trained network keep to the limit?
#
# The limit $2/\lambda_1$ was derived for a bowl (so already in LeCun and others, 1998). Near a minimum a network's loss nearly is one; further out it is not. We take the three
# minima from above, displace each by a thousandth in a random direction, and run gradient descent. $c$ is the part of the distance along the first eigenvector: the bowl says that each step multiplies it by $1 - \eta\lambda_1$, which is
# $-0.8$, $-1$ and $-1.2$ at 0.9, 1.0 and 1.1 of the limit. Then we go on at 1.1, to where the bowl ends.
# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="04-beyond",
    question="What will the loss of these networks do in 400 steps at 1.1 of the limit?",
    choices=[
        "Grow beyond all bounds",
        "Rise by far, then wander about without settling",
        "Fall more slowly than at 0.9",
    ],
    answer=1,
    because=(
        "Close by the bowl rules, and the distance grows by a fifth each step. Further out the "
        "surface is no longer this bowl. It holds the network back, but offers nothing near that "
        "is flat enough for this rate to settle in. A bowl could only explode."
    ),
)

# %% tags=["figure"]
from nnlib.curvature import spectrum
from nnlib.plotting import BACKWARD, PRUNED, TRAINING, new_axes, show

figure, (panel,) = new_axes(1, width=6)
print("      factor of c a step       at 1.1, loss above the minimum:")
print("seed  at 0.9   at 1.0   at 1.1   at the start   highest   last 200 steps")
for seed, (model, objective, found) in enumerate(minima):
    rate, first = 2 / found.eigenvalues[0], found.eigenvectors[:, 0]
    theta, (bottom, _) = model.theta.copy(), objective.value_and_gradient()
    shift = 1e-3 * np.random.default_rng(seed).normal(size=760) / np.sqrt(760)
    factors = []
    for share in (0.9, 1.0, 1.1):
        model.theta[:], c, rises = theta + shift, [], []
        for _ in range(401 if share > 1 else 13):
            value, g = objective.value_and_gradient()
            c.append(first @ (model.theta - theta))
            rises.append(value - bottom)
            model.theta[:] -= share * rate * g
        factors.append(-(abs(c[12] / c[2]) ** 0.1))  # the mean over ten steps
    low, high = min(rises[-200:]), max(rises[-200:])
    print(
        f"{seed:>4}  {factors[0]:6.3f}   {factors[1]:6.3f}   {factors[2]:6.3f}   {rises[0]:12.0e}"
        f"   {max(rises):7.1f}   {low:.2f} to {high:.2f}"
    )
    panel.plot(rises, ("-", "--", "-.")[seed], color=BACKWARD, label=f"seed {seed}")
    model.theta[:] = theta
panel.set(xlabel="step", ylabel="loss above the minimum", yscale="log")
panel.legend(loc="lower right")
show(
    figure,
    "At 1.1 of the limit the loss rises from a hundred-millionth to above 1 in about fifty "
    "steps, and then goes up and down far above the minimum.",
)

# %% [markdown]
# Close to the minimum theory and networks agree to two or three digits, for all three seeds: at 1.1 the distance grows by a fifth each step, a thousandfold in 38 steps, until the bowl ends. What
# happens then the bowl does not know. These networks rise to more than 1 above the minimum and then wander about far above it without settling. (The last two columns differ between machines. The network in your drive cell flies apart: beyond the limit both can happen.)
#
# This suggests something. If a run at the rate $\eta$ cannot stay where $\lambda_1 > 2/\eta$, then training at a fixed rate should end where $\lambda_1 \le 2/\eta$, wherever the
# flatter places are. We train networks from the start, on squared errors and with all 300 rows in every step, at three rates, and ask for $\lambda_1$ on the way. Each time a new `Hessian` must be made: *the operator is a snapshot* of the parameters that it was made at.

# %% tags=["figure"]
from nnlib import MSE, SGD
from nnlib.initializers import lecun_normal


def largest_eigenvalue(model, X, y, loss):
    """Return λ₁ at the present parameters."""
    return spectrum(Hessian(model, X, y, loss), 1, tolerance=1e-3, rng=0).eigenvalues[0]


one_hot, squares = np.eye(10)[y[:300]], MSE()
print("λ₁, mean ± spread of 3 seeds, at the start and after steps")
print("rate   2/rate         start          200          600         1200")
for lr in (0.25, 0.5, 1.0):
    course = []
    for seed in range(3):
        model = Sequential(
            Linear(64, 10, init=lecun_normal, rng=seed, dtype=np.float64),
            Tanh(),
            Linear(10, 10, init=lecun_normal, rng=seed + 1, dtype=np.float64),
        )
        optimizer, seen = SGD(model, lr=lr), []
        for step in range(1201):
            if step in (0, 200, 600, 1200):
                seen.append(largest_eigenvalue(model, X[:300], one_hot, squares))
            model.loss_and_gradient(X[:300], one_hot, squares)
            optimizer.step()
        course.append(seen)
    mean, spread = np.mean(course, axis=0), np.std(course, axis=0)
    print(
        f"{lr:4.2f}  {2 / lr:7.1f}  ",
        *(f"{m:5.2f} ± {s:.2f}" for m, s in zip(mean, spread, strict=True)),
    )

# %% [markdown]
# At the largest rate the limit is 2. All networks start above it, with $\lambda_1$ around 5, and all are driven to about 2 and stay there for a thousand
# steps: at the very edge of stability. At 0.5 the limit is 4: on average they start above it, are below it by step 200 and go on to fall. At 0.25 it is 8, out of reach: it does not bind. So the learning rate does more than set
# the speed. It decides which minima can be settled in at all. Cohen and others (2021) found the same in large networks, where $\lambda_1$ even *rises* to $2/\eta$ when it starts
# below.
#
# ## What do the eigenvalues of a trained network look like?
#
# We have looked at the largest one. The figure has them all, for a network with 910 parameters that has learned to read digits, and cuts its loss along chosen eigenvectors: a walk
# of the given length along $v_i$, and the loss on the way.

# %% tags=["figure"]
from nnlib.widgets import SpectrumSlices

SpectrumSlices()

# %% [markdown]
# What to see: along the first eigenvectors a narrow valley, along most others a plain, and how far out the parabola of the quadratic model holds. What the figure does not show: directions between the eigenvectors, and
# whether another network would look like this one. So here are all 760 eigenvalues of our three networks from above, at random weights and at the minimum. We count how many reach $\lambda_1/10$, which share is flat, and how many bend downward noticeably,
# below $-\lambda_1/100$. Flat means here: smaller in size than $\lambda_1/100$. (The figure asks for $\lambda_1/1000$, but here the penalty alone bends each weight's direction by 0.002.)

# %% tags=["figure"]
figure, (left, right) = new_axes(2)
print("                   λ₁    λ₁₀    λ₁₁   smallest   reach λ₁/10     flat   downward")
for seed, (_, _, found) in enumerate(minima):
    start = Hessian(small_network(seed), X, y, cross_entropy, penalty=decay).spectrum().eigenvalues
    for name, values in (("random ", start), ("minimum", found.eigenvalues)):
        top, last = values[0], np.round(values[-1], 4) + 0.0  # + 0.0 makes 0 of -0
        n_large, n_down = np.sum(values >= top / 10), np.sum(values < -top / 100)
        print(
            f"{name} seed {seed}  {top:5.2f}  {values[9]:5.2f}  {values[10]:5.2f}  {last:9.4f}"
            f"  {n_large:12d}  {np.mean(np.abs(values) < top / 100):7.1%}  {n_down:9d}"
        )
    if seed == 0:
        left.plot(start, np.arange(760), color=PRUNED, linestyle="--", label="random weights")
        left.plot(found.eigenvalues, np.arange(760), color=TRAINING, label="minimum")
        right.plot(range(1, 31), start[:30], "--", marker=".", color=PRUNED)
        right.plot(range(1, 31), found.eigenvalues[:30], marker=".", color=TRAINING)
left.set_xscale("symlog", linthresh=0.01)  # straight within 0.01 of zero, logarithmic beyond
left.set_xticks([-1, -0.1, 0, 0.1, 1])
left.set(xlabel="eigenvalue", ylabel="how many are larger")
left.legend(loc="upper right")
right.set(xlabel="number, from the largest down", ylabel="eigenvalue")
show(
    figure,
    "Most eigenvalues lie at zero. At random weights there are large negative ones too; at the "
    "minimum there are none, and about ten positive ones stand out.",
)

# %% [markdown]
# Alike in all seeds: at random weights seventy to eighty directions bend downward noticeably, at the minimum none. The spectrum is extremely uneven, and is so from the start: more than three quarters of all directions are flat at random weights, about nine tenths at the minimum. There the ten or eleven that stand out end in a gap after the tenth. There are ten classes; Sagun and others (2017) and Papyan (2019) describe such groups of outliers, about as many as classes, in networks of all sizes.
#
# *A good place for the second break.*
#
# ## Where does Newton's method go?
#
# The quadratic model $L + g^\mathsf{T}s + \tfrac12 s^\mathsf{T}Hs$ has its critical point where its gradient $g + Hs$ is zero. *Newton's method* jumps there:
#
# $$s = -H^{-1}g , \qquad\text{along each eigenvector:}\quad c_i = -\frac{g_i}{\lambda_i}, \quad g_i = v_i^\mathsf{T} g .$$
#
# In a bowl that is the bottom, in one step, whatever the condition number. But it goes to the *critical point* of the model. Where $\lambda_i$ is negative the step
# $-g_i/\lambda_i$ goes *up* the slope.
# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="04-newton",
    question=(
        "A network starts a hundredth away from a saddle of its loss and takes twelve Newton "
        "steps. What becomes of its gradient and of its loss?"
    ),
    choices=[
        "The gradient vanishes and the loss falls",
        "The gradient vanishes and the loss hardly changes",
        "The gradient grows and the loss falls",
    ],
    answer=1,
    because=(
        "Newton's method looks for a zero of the gradient, and the nearest is the saddle. Dividing "
        "by a negative eigenvalue turns the step around, up the slope."
    ),
)

# %% [markdown]
# A network has a saddle that anyone can find. Set all weights to 0: then all hidden values are 0, and no weight of either layer feels a gradient, because each layer's gradient is multiplied by what the other one gives: zeros. Only the output bias matters, and we set it to its best
# value, which makes the network say the share of benign tumors for everyone. That is a critical point. We start a hundredth away from it, from three random sides.

# %% tags=["figure"]
tumor_decay = L2(1e-3)


def tumor_network(seed):
    """Return a network 30-3-1 near its saddle, its objective, and the parameters at the saddle."""
    model = Sequential(Linear(30, 3, dtype=np.float64), Tanh(), Linear(3, 1, dtype=np.float64))
    objective = ModelObjective(model, tumor_loss, tumor_X, tumor_y, penalty=tumor_decay)
    saddle = np.zeros(model.theta.size)
    saddle[-1] = np.log(tumor_y.mean() / (1 - tumor_y.mean()))
    model.theta[:] = saddle + 0.01 * np.random.default_rng(seed).normal(size=saddle.size)
    return model, objective, saddle


def tumor_hessian(model):
    """Return the whole matrix at the present parameters."""
    return Hessian(model, tumor_X, tumor_y, tumor_loss, penalty=tumor_decay).dense()


model, objective, saddle = tumor_network(0)
model.theta[:] = saddle
value, g = objective.value_and_gradient()
values = np.linalg.eigvalsh(tumor_hessian(model))[::-1]
print(f"at the saddle: loss {value:.4f}, length of the gradient {np.linalg.norm(g):.0e}")
n_up, n_down = np.sum(values > 1e-9), np.sum(values < -1e-9)
print(f"eigenvalues: {n_up} positive, {len(values) - n_up - n_down} zero, {n_down} negative")
print("the largest", values[:4].round(3), "and the smallest", values[-3:].round(3))

for name in ("Newton's method", "gradient descent"):
    for seed in range(3):
        model, objective, _ = tumor_network(seed)
        losses, lengths = [], []
        for _ in range(13):
            value, g = objective.value_and_gradient()
            losses.append(value)
            lengths.append(np.linalg.norm(g))
            if name == "gradient descent":
                model.theta[:] -= 1.0 * g
            else:  # three eigenvalues may be 0: lstsq takes no step along those
                model.theta[:] -= np.linalg.lstsq(tumor_hessian(model), g, rcond=1e-9)[0]
        print(
            f"{name:<16} from side {seed}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, "
            f"gradient {lengths[0]:.0e} -> {lengths[-1]:.0e}"
        )

# %% [markdown]
# The three hidden units give three negative eigenvalues, and three of the 91 positive ones are of nearly the same size. The three zeros are the hidden biases: while all weights are 0 they change nothing. Newton's method runs into the saddle from all three sides: after twelve steps the gradient has vanished, and the loss, changed in the fourth digit,
# is that of a network that says the same for everyone. Plain gradient descent has long left. A vanishing gradient is no
# proof of success.
#
# The mend keeps the length of the step and takes away the turned sign: divide by the *size* of each eigenvalue. And since an eigenvalue may be
# near 0, where the step would have no bound, a positive *damping* is added to each:
#
# $$c_i = -\frac{g_i}{|\lambda_i| + \text{damping}} .$$
#
# Large damping means short steps along $-g$, small damping means Newton's lengths. (Adding the damping to $H$ itself, as is often done, is something else: $\lambda_i + \text{damping}$ may still be negative.) Dauphin
# and others (2014) call it the saddle-free Newton method.


# %% exercise="damped_newton_step"
def damped_newton_step(theta, gradient, H, damping):
    """Take one Newton step that goes down along every eigenvector.

    Along an eigenvector of H with eigenvalue lambda, on which the gradient has the part g, the step
    is -g / (|lambda| + damping).

    Parameters: theta (P,); gradient (P,); H (P, P), symmetric; damping, a positive number. All of
    them must be the same after the call as before.
    Returns: the new theta (P,).

    Example: theta = [1, 1, 1], gradient = [7, 1, 2], H = [[0.5, 2.5, 0], [2.5, 0.5, 0], [0, 0, 1]]
    and damping = 1 give [-1, 1, 0]. The eigenvalues are 3, -2 and 1, with the eigenvectors
    (1, 1, 0)/√2, (1, -1, 0)/√2 and (0, 0, 1).
    """
    ### BEGIN SOLUTION
    eigenvalues, vectors = np.linalg.eigh(H)
    along = vectors.T @ gradient
    return theta - vectors @ (along / (np.abs(eigenvalues) + damping))
    ### END SOLUTION


# %% check="damped_newton_step"
check("damped_newton_step")

# %% [markdown]
# ## Does your step leave the saddle?
#
# The same network, the same three sides, your step, and your own function to name the points. The damping adapts itself: a step that has lowered the loss
# halves it; a step that has not is taken back, and the damping becomes four times as large.

# %% tags=["drive"]
if passed("damped_newton_step", "classify_critical_point"):
    model, objective, saddle = tumor_network(0)
    model.theta[:] = saddle
    g = objective.value_and_gradient()[1]
    print(
        "the point with all weights 0 you call:",
        classify_critical_point(g, tumor_hessian(model), 1e-6),
    )

    figure, (panel,) = new_axes(1, width=6)
    for seed, style in enumerate(("-", "--", "-.")):
        model, objective, _ = tumor_network(seed)
        value, g = objective.value_and_gradient()
        losses, damping = [value], 0.1
        for _ in range(60):
            theta = model.theta.copy()
            model.theta[:] = damped_newton_step(theta, g, tumor_hessian(model), damping)
            tried, g_there = objective.value_and_gradient()
            if tried < value:
                value, g, damping = tried, g_there, damping / 2
            else:
                model.theta[:], damping = theta, 4 * damping
            losses.append(value)
        panel.plot(losses, style, color=TRAINING, label=f"side {seed}")
        right_share = np.mean((model.forward(tumor_X) > 0) == (tumor_y > 0.5))
        kind = classify_critical_point(g, tumor_hessian(model), 1e-6)
        print(
            f"side {seed}: loss {losses[0]:.3f}, after 12 steps {losses[12]:.3f}, after 60 "
            f"{losses[-1]:.3f}; {right_share:.1%} right; a {kind}, you say"
        )
    panel.set(xlabel="step", ylabel="loss (nats)")
    panel.legend()
    show(
        figure,
        "From all three sides your step leaves the saddle within about ten steps and ends far below it.",
    )

# %% [markdown]
# ## What can stand in for the Hessian?
#
# Large networks cannot have the matrix that we just took apart for 97 parameters. Three stand-ins are common.
#
# - **The diagonal** keeps $H_{ii}$ only: $P$ numbers, and the step is a division.
# - **Gauss–Newton** takes the network's outputs as straight lines in the weights and keeps the bend of the loss. For one row let $z$ be its $K$ outputs, $J$ $(K, P)$ their derivatives with respect to the parameters, and $S$ $(K, K)$ the second derivatives of the loss with respect to $z$. Then, averaged over the rows,
#
# $$H = \underbrace{J^\mathsf{T} S\,J}_{\text{Gauss–Newton } G} + \sum_k \frac{\partial L}{\partial z_k}\,\frac{\partial^2 z_k}{\partial\theta^2} .$$
#
# The second term is left out. It is small where the errors $\partial L/\partial z_k$ are. What is left has no negative eigenvalue: $v^\mathsf{T}G\,v = (Jv)^\mathsf{T}S\,(Jv)$, and $S$ has none, as the loss curves upward in the outputs. So steps with $G$ cannot be turned around (Schraudolph, 2002).
# - **The Fisher matrix** (Amari, 1998) is the mean of $g_n g_n^\mathsf{T}$, with $g_n$ the gradient of row $n$ alone. There are two, and they are often mixed up. In the *true* one the targets are drawn from the network's own predictions $p$. For cross-entropy it is the same matrix as $G$: the mean of $(p - t)(p - t)^\mathsf{T}$ over such targets $t$ is just $S$. In the *empirical* one they are the data's. It needs nothing but gradients
# and is something else: a row that is fitted has no gradient, so it says "flat" there (Kunstner and others, 2019).
#
# For cross-entropy the errors are $p - t$. How near are they? The measure is $\|M - H\|/\|H\|$ over all entries; 0 is exact, and 1 is what the zero matrix gets. Three seeds, one network of 64-5-10, at three times of its training.

# %% tags=["figure"]
from nnlib.curvature import Fisher, GaussNewton

stand_ins = {
    "Hessian": lambda model: Hessian(model, X, y, cross_entropy).dense(),
    "its diagonal": lambda model: np.diag(Hessian(model, X, y, cross_entropy).diagonal()),
    "Gauss-Newton": lambda model: GaussNewton(model, X, y, cross_entropy).dense(),
    "true Fisher": lambda model: Fisher(model, X, y, cross_entropy).dense(),
    "empirical Fisher": lambda model: Fisher(model, X, y, cross_entropy, kind="empirical").dense(),
}


def trained_for(n_steps, seed):
    """Return a network 64-5-10 after some steps of gradient descent."""
    model = small_network(seed, width=5)
    optimizer = SGD(model, lr=0.5)
    for _ in range(n_steps):
        model.loss_and_gradient(X, y, cross_entropy)
        optimizer.step()
    return model


measured = {name: [] for name in stand_ins}
for n_steps in (0, 30, 1000):
    found = {name: [] for name in stand_ins}
    for seed in range(3):
        model = trained_for(n_steps, seed)
        H = stand_ins["Hessian"](model)
        top = np.linalg.eigvalsh(H)[-1]
        for name, matrix_at in stand_ins.items():
            M = matrix_at(model)
            values, error = np.linalg.eigvalsh(M), np.linalg.norm(M - H) / np.linalg.norm(H)
            found[name].append([error, values[-1] / top, values[0]])
    for name in stand_ins:
        measured[name].append((n_steps, np.mean(found[name], axis=0), np.std(found[name], axis=0)))

print("                  steps   relative error   λ₁ over that of H   smallest eigenvalue")
for name, rows in measured.items():
    for n_steps, mean, spread in rows:
        print(
            f"{name:<16} {n_steps:>6}   {mean[0]:6.2f} ± {spread[0]:.2f}    {mean[1]:8.2f} ± "
            f"{spread[1]:.2f}   {np.round(mean[2], 4) + 0.0:19.4f}"
        )

# %% [markdown]
# The diagonal misses nearly everything, at all times: almost all of this matrix stands beside the diagonal, as weights of one network do not act alone. Gauss–Newton is far off at random weights, where it also lacks the negative eigenvalues,
# and comes nearer as the errors shrink; its largest eigenvalue is a little too large at first and too small later. The true Fisher has the same numbers, digit by digit: it is the same matrix. The empirical Fisher has not. At the end its error is larger than in the middle, and its
# largest eigenvalue is about a third of that of $H$, because most rows are fitted by then.
#
# Does a bad stand-in make a bad step? From the networks after 30 steps we take six damped steps, $|\lambda| + 0.02$, with each matrix in turn: the damping is chosen once, small beside $\lambda_1$, and the same for all. For comparison, six steps of gradient descent at $1/\lambda_1$, half of the
# limit, where no direction overshoots.

# %% tags=["figure"]
print("mean of 3 seeds        loss after 0, 1, ... 6 steps")
for name in ("Hessian", "Gauss-Newton", "empirical Fisher", "its diagonal", "gradient descent"):
    runs = []
    for seed in range(3):
        model = trained_for(30, seed)
        losses = []
        for _ in range(7):
            value, g = model.loss_and_gradient(X, y, cross_entropy)
            losses.append(value)
            if name == "gradient descent":
                model.theta[:] -= g / largest_eigenvalue(model, X, y, cross_entropy)
                continue
            values, V = np.linalg.eigh(stand_ins[name](model))
            model.theta[:] -= V @ ((V.T @ g) / (np.abs(values) + 0.02))
        runs.append(losses)
    print(f"{name:<16}", *(f"{value:7.3f}" for value in np.mean(runs, axis=0)))

# %% [markdown]
# A single step with the whole matrix does more than six plain ones, and Gauss–Newton is close behind. The empirical Fisher falls more slowly. The diagonal flies apart from the first step on: it divides every
# parameter by its own curvature, as if the others stood still, and together they overshoot. (Unit 07 shows methods that take a diagonal and survive.) What the table does not count is time: these steps need matrices that large networks cannot have. There $G$ is used through products, and the equation is solved by iteration, as `nnlib.Newton` and `LevenbergMarquardt` do.
#
# ## Do flat minima generalize better?
#
# *Generalize* means: do well on new data. It is often said, also on the slides of the lecture behind this course (you need not have seen them), that *flat minima generalize better* than sharp ones. Hochreiter and Schmidhuber (1997) give the intuition: new data shift the loss surface a little, and in a wide valley a little shift changes little. The usual measures of "flat" are the largest eigenvalue, the sum of all of them (the *trace*), or how far the loss rises within a small distance $\rho$.
#
# With ReLU there is a simple experiment. Multiply weights and biases of the first layer by $\alpha$ and divide the weights of the second by $\alpha$. Since $\max(\alpha z, 0) = \alpha\max(z, 0)$ for $\alpha > 0$, every output stays the same, for every input.
# What becomes of the curvature?

# %% tags=["figure"]
SpectrumSlices(part="rescaling", key="04-flat")

# %% [markdown]
# What to see: the loss stands still while the largest eigenvalue grows. What the figure does not show: new data, and the other measures. All of them, for a network that we train now:

# %% tags=["figure"]
from nnlib import ReLU, fit
from nnlib.curvature import sharpness

model = small_network(0, width=32, activation=ReLU)
fit(
    model,
    X,
    y,
    loss=cross_entropy,
    optimizer=SGD(model, lr=0.3),
    epochs=40,
    batch_size=32,
    rng=0,
    progress=False,
)
first, second, theta = model[0], model[2], model.theta.copy()
outputs = model.forward(X_new)
print("    α      λ₁   trace   rise within 0.05   Σ θ²·diag H   new digits   outputs moved")
stretched = {}
for alpha in (0.1, 0.3, 1, 3, 10, 30):
    model.theta[:] = theta
    first.W, first.b, second.W = first.W * alpha, first.b * alpha, second.W / alpha
    flatness = sharpness(model, X, y, cross_entropy, rho=0.05, rng=0)
    rise = flatness.ball_increase  # the largest found within the distance rho
    relative = np.sum(model.theta**2 * Hessian(model, X, y, cross_entropy).diagonal())
    moved = model.forward(X_new)
    share = np.mean(moved.argmax(axis=1) == y_new)
    stretched[alpha] = flatness.largest_eigenvalue, share
    print(
        f"{alpha:>5}  {flatness.largest_eigenvalue:6.1f}  {flatness.trace:6.0f}  {rise:17.4f}"
        f"  {relative:12.4f}  {share:11.2%}  {np.abs(moved - outputs).max():14.0e}"
    )

# %% [markdown]
# One function, one accuracy, and a sharpness that differs by a factor of several hundred. It grows in both directions, as either layer is made small, as far as one likes. So "flat" in this sense cannot be what makes a network generalize. This is the argument of Dinh and others (2017). It does *not* show that sharpness is useless among networks as training leaves them. Measures that take the size of each weight into account, such as $\sum_i \theta_i^2 H_{ii}$ in the table, do not fall for this trick.
# A second experiment, without tricks: eighteen networks, trained on 300 digits with small, middle and large batches, each until its loss on all 300 falls to 0.02. Small batches are said to find flatter places.

# %% tags=["figure"]
from scipy.stats import spearmanr  # the correlation of ranks: who is first, second, ...

few_X, few_y = X[:300], y[:300]
curvatures, shares = {}, {}
for batch_size in (4, 16, 64):
    for seed in range(6):
        model = small_network(seed, width=32, activation=ReLU)
        optimizer, rng = SGD(model, lr=0.2), np.random.default_rng(seed)
        batches = iter(())
        while cross_entropy.forward(model.forward(few_X), few_y) > 0.02:
            rows = next(batches, None)
            if rows is None:  # the next epoch
                batches = iter(np.array_split(rng.permutation(300), 300 // batch_size))
                rows = next(batches)
            model.loss_and_gradient(few_X[rows], few_y[rows], cross_entropy)
            optimizer.step()
        curvatures.setdefault(batch_size, []).append(
            largest_eigenvalue(model, few_X, few_y, cross_entropy)
        )
        shares.setdefault(batch_size, []).append(
            np.mean(model.forward(X_new).argmax(axis=1) == y_new)
        )
    sharp, right = curvatures[batch_size], shares[batch_size]
    print(
        f"batches of {batch_size:>2}: λ₁ {np.mean(sharp):.2f} ± {np.std(sharp):.2f}, "
        f"new digits right {np.mean(right):.2%} ± {np.std(right):.2%}"
    )
ranks = spearmanr(np.concatenate(list(curvatures.values())), np.concatenate(list(shares.values())))
print(
    f"rank correlation of λ₁ with the share right: {ranks.statistic:+.2f}, p = {ranks.pvalue:.2f}"
)

# %% [markdown]
# The small batches did find flatter places, by about a third. The share of new digits read right is the same in all three groups, within the spread
# between seeds. The rank correlation leans the way of the claim, but weakly: chance alone would lean as far in about one case of three ($p$). For these networks *flat minima generalize better* is not confirmed. Nor is it refuted: Keskar and others (2017) found it so for batches of different size, Jiang and
# others (2020) found some sharpness-based measures among the best predictors of forty, and Andriushchenko and others (2023) found no such rule in modern networks. Sharpness depends on the scale of the weights and on the training, so a comparison must hold those still, and say so.
#
# ## What do the slides claim, and what did we measure?
#
# *A positive definite Hessian means a minimum.* Not without "where the gradient is zero", and then only in this direction: no minimum needs to be positive definite.
#
# *Flat minima generalize better.* As it stands it is not even a statement about the function, and here no difference beyond the spread was seen. The numbers from above:

# %% tags=["figure"]
print(
    f"positive definite at {n_definite} of 100 points, with gradients from {min(tumor_slopes):.2f} up"
)
print(f"smallest eigenvalue at a minimum of a network: {abs(minima[0][2].eigenvalues[-1]):.4f}")
for alpha in (1, 30):
    print(
        f"α = {alpha:>2}: λ₁ {stretched[alpha][0]:5.1f}, new digits right {stretched[alpha][1]:.1%}"
    )
for batch_size in (4, 64):
    print(
        f"batches of {batch_size:>2}: λ₁ {np.mean(curvatures[batch_size]):.2f}, "
        f"new digits right {np.mean(shares[batch_size]):.1%} ± {np.std(shares[batch_size]):.1%}"
    )

# %% [markdown]
# ## Going further
#
# These exercises do not count in the grade. Each can be done by itself.
#
# **A whole Hessian, in closed form.** In softmax regression there is one layer: the logits are $z = XW$, the loss is the mean cross-entropy, and the gradient at $W_{ik}$ is the mean of $x_i\,(p_k - [k = t])$ over the rows. The target stands still. What is
# the derivative of this by $W_{jl}$, which acts on $z_l$ with slope $x_j$? You need $\partial p_k/\partial z_l$; differentiate $p_k = e^{z_k}/\sum_m e^{z_m}$ for $k = l$ and for $k \ne l$.


# %% exercise="softmax_hessian"
def softmax_hessian(X, W):
    """Compute the Hessian of softmax regression.

    The logits are X W, the loss is the mean cross-entropy over the rows. The targets are not needed.

    Parameters: X (N, d); W (d, K). Logits may be as large as 1000 in size. Leave the inputs as
    they are.
    Returns: H (d K, d K). Row i K + k belongs to W[i, k], as in W.ravel(), and so do the columns.

    Example: X = [[1, 2], [1, 0]] and W = [[0, 0], [0, 0]], where all probabilities are 1/2, give
    np.kron([[1, 1], [1, 2]], [[1, -1], [-1, 1]]) / 4.
    """
    ### BEGIN SOLUTION
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]  # (N, K, K)
    H = np.einsum("ni,nj,nkl->ikjl", X, X, S) / len(X)
    return H.reshape(W.size, W.size)
    ### END SOLUTION


# %% check="softmax_hessian"
check("softmax_hessian")


# %% [markdown]
# **The diagonal from a few products.** Entry $i$ of $Hz$ is $\sum_j H_{ij} z_j$. Let all $z_j$ be random signs, $+1$ or $-1$. Then $z_i\,(Hz)_i = H_{ii} z_i^2 + \sum_{j\ne i} H_{ij} z_i z_j$. The first term is $H_{ii}$, each time; in the others the
# sign is random, and over many $z$ they cancel (Bekas and others, 2007). So the mean of $z\cdot Hz$, entry by entry, estimates the diagonal, and the scatter of the terms says how well: the mean of $K$ numbers that scatter by $s$ scatters by $s/\sqrt K$.


# %% exercise="hessian_diagonal"
def hessian_diagonal(product, signs):
    """Estimate the diagonal of a symmetric matrix that is known by its products.

    Parameters: product, a function: product(z) is the matrix times z, for one z of shape (P,) at a
    time; signs (K, P), K rows of random signs, K at least 2. Leave the inputs as they are.
    Returns: the mean of z * product(z) over the rows z of signs, shape (P,); and the standard error
    of that mean, shape (P,), from the spread of the terms with ddof=1.

    Example: for [[2, 1], [1, 4]] and signs = [[1, 1], [1, -1]] the terms are (3, 5) and (1, 3);
    the result is (2, 4) and (1, 1).
    """
    ### BEGIN SOLUTION
    terms = np.array([z * product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0, ddof=1) / np.sqrt(len(signs))
    ### END SOLUTION


# %% check="hessian_diagonal"
check("hessian_diagonal")


# %% [markdown]
# **The Gauss–Newton product** of a classifier, $J^\mathsf{T} S\,J\,v$. Three walks: forward, to see how the logits change along $v$; through the loss, to see how $dz = (p - t)/N$ changes with the logits; back, as in an ordinary backward pass.


# %% exercise="gauss_newton_product"
def gauss_newton_product(X, W1, W2, V1, V2):
    """Multiply the Gauss-Newton matrix of a two-layer classifier by a direction.

    The network is h = tanh(X W1), z = h W2, and the loss the mean cross-entropy of softmax(z). The
    targets are not needed, and all logits are below 100 in size.

    Parameters: X (N, d), W1 (d, m), W2 (m, K); V1 and V2, the direction, shaped like W1 and W2.
    Leave the inputs as they are.
    Returns: GV1 and GV2, shaped like W1 and W2.

    Example: X = [[1], [-1]], W1 = [[0.5 log 3]], W2 = [[2 log 3, 0]], V1 = [[1]] and V2 = [[1, 0]]
    give GV1 = [[0.6637]] and GV2 = [[0.2014, -0.2014]]. There h = (0.5, -0.5).
    """
    ### BEGIN SOLUTION
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz_dot = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ ((dz_dot @ W2.T) * (1 - h**2)), h.T @ dz_dot
    ### END SOLUTION


# %% check="gauss_newton_product"
check("gauss_newton_product")


# %% [markdown]
# **Both Fisher matrices**, their diagonals, for softmax regression. A row's gradient at $W_{ik}$ is $x_i\,(p_k - t_k)$, with $t_k = 1$ for the target and 0 otherwise. Both matrices hold the mean of its square; they differ in where $t$ comes from.


# %% exercise="fisher_diagonal"
def fisher_diagonal(X, targets, W):
    """Compute the diagonals of the true and of the empirical Fisher matrix of softmax regression.

    Both are means over the rows of the squared gradient of a row. In the empirical one its target
    is the given one, in the true one it is drawn from the probabilities softmax(X W) (take the mean
    over all that might be drawn; nothing is drawn here). All logits are below 100 in size.

    Parameters: X (N, d), targets (N,) whole numbers from 0 to K - 1, W (d, K). Leave the inputs as
    they are.
    Returns: true and empirical, each (d, K).

    Example: X = [[1, 2], [1, 0]], targets = [0, 2], W = [[log 2, 0, 0], [0, 0, 0]], where both rows
    have p = (1/2, 1/4, 1/4), give true = [[4, 3, 3], [8, 6, 6]] / 16 and
    empirical = [[4, 1, 5], [8, 2, 2]] / 16.
    """
    ### BEGIN SOLUTION
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    one_hot = np.eye(W.shape[1])[targets]
    true = (X**2).T @ (p * (1 - p)) / len(X)
    empirical = (X**2).T @ (p - one_hot) ** 2 / len(X)
    return true, empirical
    ### END SOLUTION


# %% check="fisher_diagonal"
check("fisher_diagonal")


# %% [markdown]
# **Lanczos.** The power iteration throws away every vector but the last. Lanczos keeps them, as an orthonormal set $q_1, q_2, \dots$ Each new one is the part of $A q_j$ that lies along none before it, brought to length 1:
#
# $$\beta_j\,q_{j+1} = A q_j - \alpha_j q_j - \beta_{j-1} q_{j-1}, \qquad \alpha_j = q_j^\mathsf{T} A q_j, \qquad \beta_j = \text{the length of what is left}.$$
#
# For a symmetric $A$ the product $A q_j$ has no part along older vectors, so the small matrix $T$ with the $\alpha$ on its diagonal and the $\beta$ on both sides of it holds all that was learned. Its eigenvalues are near those of $A$, the outer ones first. That is so in exact arithmetic. With rounding, the right angles to the older vectors get lost
# as soon as an eigenvalue has been found, and it is found again and again. So each new vector must be made orthogonal to *all* before it, and for safety twice.


# %% exercise="lanczos"
def lanczos(product, start, k):
    """Take k Lanczos steps on a symmetric matrix that is known by its products.

    Each new vector is made orthogonal to all before it, twice.

    Parameters: product, a function: product(q) is the matrix times q, for q of shape (P,);
    start (P,), the first vector, of any length but 0, which must stay as it is; k, at most P, how
    often to multiply.
    Returns: alphas (k,) and betas (k - 1,), the diagonal of T and the numbers beside it.

    Example: for the matrix diag(2, 4), start = [1, 1] and k = 2: alphas = [3, 3], betas = [1].
    """
    ### BEGIN SOLUTION
    Q = [start / np.linalg.norm(start)]
    alphas, betas = [], []
    for j in range(k):
        w = product(Q[j])
        alphas.append(Q[j] @ w)
        for _ in range(2):
            for q in Q:
                w = w - (q @ w) * q
        if j < k - 1:
            betas.append(np.linalg.norm(w))
            Q.append(w / betas[-1])
    return np.array(alphas), np.array(betas)
    ### END SOLUTION


# %% check="lanczos"
check("lanczos")

# %% [markdown]
# ## Do I have it?

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Question, SelfCheck

SelfCheck(
    key="04",
    questions=[
        Question(
            "What have Gauss-Newton's matrix and the empirical Fisher matrix in common?",
            [
                "For cross-entropy they are the same matrix",
                "Neither has a negative eigenvalue",
                "Both come near the Hessian as the errors shrink",
            ],
            answer=1,
            because="Both are made of squares. The true Fisher matrix is the one that equals "
            "Gauss-Newton's; the empirical one calls a place flat where the rows are fitted.",
        ),
        Question(
            "The eigenvalues of a bowl are 20 and 0.5. What is the largest stable learning rate?",
            ["0.05", "0.1", "4"],
            answer=1,
            because="2/20 = 0.1. At 0.05 = 1/20 a step ends at the bottom of the steep direction.",
        ),
        Question(
            "What does one product of the Hessian with a vector cost?",
            [
                "About one or two gradients, whatever the number of parameters",
                "As many gradients as there are parameters",
                "Hardly anything, once the gradient is known",
            ],
            answer=0,
            because="Every line of the gradient gets one more line that costs about the same.",
        ),
        Question(
            "Along an eigenvector with the eigenvalue -2 the gradient is 3. The damping is 1. How "
            "far does Newton's step go along it, and how far the damped step of your exercise?",
            ["1.5 and -1", "-1.5 and -1", "1.5 and 3"],
            answer=0,
            because="Newton: -3/(-2) = 1.5, up the slope. Damped: -3/(2 + 1) = -1, down. Adding "
            "the damping to -2 itself would give 3, up again.",
        ),
        Question(
            "Two networks compute the same function. Can one have a hundred times the largest "
            "eigenvalue of the other?",
            ["No: same function, same loss", "Yes: the Hessian depends on how weights are scaled"],
            answer=1,
            because="With ReLU, one layer times α and the next divided by α changes no output.",
        ),
    ],
)

# %% [markdown]
# ## What we can do now
#
# - The gradient says where down is, the Hessian how soon that changes. Its eigenvectors are directions that do not
#   interfere with each other, and its eigenvalues their curvatures.
# - Signs of eigenvalues name a point only where the gradient is zero; with zeros among them they may not decide.
# - Gradient descent is stable below $2/\lambda_1$: near a minimum of a network too, to two or three digits.
# - $Hv$ costs a gradient or two and is exact. The largest eigenvalues come from products alone.
# - Newton's step goes to the nearest critical point. Dividing by $|\lambda|$ + damping makes it go down.
# - Gauss–Newton comes near where errors are small; the empirical Fisher is another matrix; the diagonal forgets nearly everything.
# - Sharpness is a property of parameters, not of the function.
#
# ## Papers
#
# - C. Lanczos (1950), *An iteration method for the solution of the eigenvalue problem of linear differential and integral
#   operators*, Journal of Research of the National Bureau of Standards 45, 255–282.
# - B. A. Pearlmutter (1994), *Fast exact multiplication by the Hessian*, Neural Computation 6, 147–160: the R-operator.
# - Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller (1998), *Efficient BackProp*, in Neural Networks: Tricks of the Trade, Springer: eigenvalues
#   and the learning rate.
# - S. Amari (1998), *Natural gradient works efficiently in learning*, Neural Computation 10, 251–276: the Fisher matrix.
# - N. N. Schraudolph (2002), *Fast curvature matrix-vector products for second-order gradient descent*, Neural Computation 14, 1723–1738:
#   Gauss–Newton.
# - C. Bekas, E. Kokiopoulou, Y. Saad (2007), *An estimator for the diagonal of a matrix*, Applied Numerical Mathematics 57, 1214–1229.
# - Y. N. Dauphin, R. Pascanu, C. Gulcehre, K. Cho, S. Ganguli, Y. Bengio (2014), *Identifying and attacking the saddle point problem
#   in high-dimensional non-convex optimization*, NeurIPS 27, 2933–2941.
# - L. Sagun, U. Evci, V. U. Güney, Y. Dauphin, L. Bottou (2017), *Empirical analysis of the Hessian of over-parametrized neural
#   networks*, arXiv:1706.04454.
# - V. Papyan (2019), *Measurements of three-level hierarchical structure in the outliers in the spectrum of deepnet Hessians*, ICML, 5012–5021.
# - F. Kunstner, L. Balles, P. Hennig (2019), *Limitations of the empirical Fisher approximation for natural gradient descent*, NeurIPS 32.
# - J. M. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar (2021), *Gradient descent on neural networks typically occurs at the edge
#   of stability*, ICLR.
# - S. Hochreiter, J. Schmidhuber (1997), *Flat minima*, Neural Computation 9, 1–42.
# - N. S. Keskar, D. Mudigere, J. Nocedal, M. Smelyanskiy, P. T. P. Tang (2017), *On large-batch training for deep learning:
#   generalization gap and sharp minima*, ICLR.
# - L. Dinh, R. Pascanu, S. Bengio, Y. Bengio (2017), *Sharp minima can generalize for deep nets*, ICML, 1019–1028.
# - Y. Jiang, B. Neyshabur, H. Mobahi, D. Krishnan, S. Bengio (2020), *Fantastic generalization measures and where to find them*, ICLR.
# - M. Andriushchenko, F. Croce, M. Müller, M. Hein, N. Flammarion (2023), *A modern look at the relationship between sharpness and
#   generalization*, ICML, 840–902.
