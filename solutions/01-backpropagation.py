# %% [markdown]
# # Backpropagation
#
# *Unit 01 · 3 hours · needs: derivatives and the chain rule, NumPy arrays, [unit 00](../00-start-here/00-start-here.ipynb)*
#
# A network with a thousand weights reads a picture and says 8. It was a 3. Which of the thousand
# weights are to blame, and by how much? Backpropagation answers this for all of them at once, in two or three
# times the time that the network needs to answer.
#
# At the end of this unit we can
#
# - compute every number of a small network by hand: forward pass, loss, backward pass, update;
# - derive and write the backward pass of a linear layer, of ReLU and of softmax with cross-entropy;
# - put them together into a network that reads handwritten digits, trained by nothing but our own code;
# - check a gradient, and say what backpropagation costs, what it can do and what it cannot.
#
# Three hours are meant for the part before *Going further*. A good place for a break is marked.

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% [markdown]
# ## What would it cost to ask each weight in turn?
#
# There is a plain way to find a gradient. Change one weight a little, run the network again, see how
# the loss has moved; put the weight back, and go on to the next one. It always works. For $P$ weights
# and differences taken on both sides it evaluates the loss $2P$ times.
# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Prediction

Prediction(
    key="01-cost",
    question=(
        "A network has 100,000 weights. How long does backpropagation take for all 100,000 "
        "derivatives, compared with one evaluation of the loss?"
    ),
    choices=["About 200,000 times as long", "About 300 times as long", "About 3 times as long"],
    answer=2,
    because=(
        "One pass forward, one pass backward that costs about two forward passes, and this "
        "whatever the number of weights. We measure it further below."
    ),
)

# %% [markdown]
# ## What does a small network compute?
#
# We begin with a network that fits on a sheet of paper. Two inputs, two hidden units, one output, six
# weights, no biases:
#
# $$x = (0.35,\ 0.9), \qquad w_{13} = 0.1,\ w_{23} = 0.8,\ w_{14} = 0.4,\ w_{24} = 0.6,\ w_{35} = 0.3,\ w_{45} = 0.9$$
#
# The inputs are number 1 and 2, so the units go on with 3, 4 and 5. The two digits of a weight name where it
# comes from and where it goes: $w_{23}$ leads from input 2 to unit 3. Units 3 and 4 are *hidden*: they stand between
# the inputs and the output, unit 5. Both inputs lead to both of them, and both of them lead to unit 5. Each unit takes the weighted sum of what arrives, called $a$, and sends it through the
# *sigmoid* $\sigma$, which squeezes any number into the range from 0 to 1:
#
# $$a_3 = w_{13}\,x_1 + w_{23}\,x_2, \qquad y_3 = \sigma(a_3) = \frac{1}{1 + e^{-a_3}}$$
#
# Unit 4 does the same with its own weights, and unit 5 with the outputs of units 3 and 4. This is the
# *forward pass*. For unit 3, in code:

# %% tags=["nbval-check-output"]
x = np.array([0.35, 0.9])
w = np.array([0.1, 0.8, 0.4, 0.6, 0.3, 0.9])  # in the order w13, w23, w14, w24, w35, w45
a3 = w[0] * x[0] + w[1] * x[1]
print(f"a3 = {a3:.4f}   y3 = {1 / (1 + np.exp(-a3)):.4f}")

# %% [markdown]
# Write the whole of it. Take every number from the arguments `x` and `w`: the check calls your function with
# other networks too.


# %% exercise="forward_2_2_1"
def forward_2_2_1(x, w):
    """Run the forward pass of the 2-2-1 network with sigmoid units.

    Parameters: x, the two inputs, shape (2,); w, the six weights in the order
    w13, w23, w14, w24, w35, w45, shape (6,).
    Returns: the outputs y3, y4, y5 of the three units.

    Example: with the numbers above, y3 = 0.6803, y4 = 0.6637, y5 = 0.6903.
    """
    ### BEGIN SOLUTION
    w13, w23, w14, w24, w35, w45 = w
    y3 = 1 / (1 + np.exp(-(w13 * x[0] + w23 * x[1])))
    y4 = 1 / (1 + np.exp(-(w14 * x[0] + w24 * x[1])))
    y5 = 1 / (1 + np.exp(-(w35 * y3 + w45 * y4)))
    return y3, y4, y5
    ### END SOLUTION


# %% check="forward_2_2_1"
check("forward_2_2_1")

# %% [markdown]
# ## How does the error travel back?
#
# The target is $t = 0.5$ and the network says $y_5 = 0.6903$. The *error* is $t - y_5 = -0.1903$. (Some
# texts call this difference the loss. It is not: a loss must be smallest where the prediction is right, and this
# difference falls further the more the network overshoots.) As loss we take
#
# $$L = \tfrac12\,(t - y_5)^2 .$$
#
# How does $L$ change with $w_{35}$, if everything else that can be chosen stays as it is? Such a derivative is
# written with a round $\partial$. The weight acts on $a_5$, which acts on $y_5$, which acts on $L$. If a small
# change of one thing is passed on three times larger, and from there twice as large, it arrives six times as
# large: the *chain rule* multiplies what happens on the way,
#
# $$\frac{\partial L}{\partial w_{35}} = \frac{\partial L}{\partial y_5}\cdot\frac{\partial y_5}{\partial a_5}\cdot\frac{\partial a_5}{\partial w_{35}} = -(t - y_5)\cdot y_5(1 - y_5)\cdot y_3 .$$
#
# The middle factor is the slope of the sigmoid. From $\sigma(a) = (1 + e^{-a})^{-1}$ follows
#
# $$\sigma'(a) = \frac{e^{-a}}{(1 + e^{-a})^2} = \frac{1}{1 + e^{-a}}\cdot\frac{e^{-a}}{1 + e^{-a}} = \sigma(a)\,(1 - \sigma(a)),$$
#
# so it can be written with the unit's output: having run forward, we need not compute it again. The first two
# factors have nothing to do with $w_{35}$ in particular. Every weight into unit 5 shares them, so without their
# minus sign they get a name,
#
# $$\delta_5 = y_5\,(1 - y_5)\,(t - y_5).$$
#
# **A matter of sign.** This $\delta$ points *down* the loss: it is minus the derivative of $L$ with respect
# to $a_5$. We use it for this one network, because the classical worked example does. Everywhere else
# in the course gradients point up the loss, as in every library.
#
# Now one layer further back. Unit 3 has no target of its own. It acts on the loss only through unit 5: $a_3$
# acts on $y_3$, which acts on $a_5$ along the weight $w_{35}$. The chain rule once more:
#
# $$\delta_3 = -\frac{\partial L}{\partial a_3} = -\frac{\partial L}{\partial a_5}\cdot\frac{\partial a_5}{\partial y_3}\cdot\frac{\partial y_3}{\partial a_3} = \delta_5\cdot w_{35}\cdot y_3\,(1 - y_3) .$$
#
# That is the whole idea. The error signal travels backward along the very weights on which the values
# travelled forward, and at each unit it is multiplied by that unit's slope.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="01-saturated",
    question=(
        "A sigmoid unit under this loss says 0.98, and its target is 0. Will its weights change "
        "a lot or a little in the next step?"
    ),
    choices=["A lot: the error is large", "A little, although the error is large"],
    answer=1,
    because=(
        "The slope of the sigmoid at 0.98 is 0.98 · 0.02 = 0.02, and every gradient behind it is "
        "multiplied by that. A large error does not mean fast learning."
    ),
)


# %% exercise="deltas_2_2_1"
def deltas_2_2_1(y3, y4, y5, w35, w45, target):
    """Compute the error signals of the three units.

    Parameters: the outputs of the forward pass, the two weights into unit 5 as they were in that
    pass, and the target; all are numbers.
    Returns: delta3, delta4, delta5, with the sign of target - output.

    Example: with the numbers above, delta5 = -0.0407 and delta3 = -0.00265.
    """
    ### BEGIN SOLUTION
    delta5 = y5 * (1 - y5) * (target - y5)
    delta3 = y3 * (1 - y3) * w35 * delta5
    delta4 = y4 * (1 - y4) * w45 * delta5
    return delta3, delta4, delta5
    ### END SOLUTION


# %% check="deltas_2_2_1"
check("deltas_2_2_1")

# %% [markdown]
# ## What does one step change?
#
# Each weight moves by the learning rate $\eta$, times the signal of the unit it leads to, times the value
# that came along it:
#
# $$w_{35} \leftarrow w_{35} + \eta\,\delta_5\,y_3, \qquad w_{13} \leftarrow w_{13} + \eta\,\delta_3\,x_1 .$$
#
# The plus sign is no slip: $\delta$ points down the loss. Written with gradients the same step is
# $\theta \leftarrow \theta - \eta\,\partial L/\partial\theta$. A positive gradient says that the loss grows with the
# weight, so the weight is made smaller, and the other way round. The *learning rate* $\eta$ says how far to go: the
# gradient only knows the slope where we stand, so a step too long can end higher up on the other side. Here $\eta = 1$.
#
# Three words that are easily mixed up. An *iteration* is one update. A *batch* is the set of examples
# whose mean gradient makes one update. An *epoch* is one pass through all examples: their number divided by the batch
# size, rounded up, gives its iterations. In this example there is a single row, so one epoch is one
# iteration.
#
# In the figure all ten numbers (two inputs, six weights, the target and $\eta$) can be moved, once you have predicted. Run a forward pass, then a backward pass,
# then the update, and choose *Next epoch* to go round again.

# %% tags=["figure"]
from nnlib.widgets import WorkedNetwork

WorkedNetwork()

# %% [markdown]
# What to see: the product behind each number, when it is selected, and how small the signals of the
# hidden units are compared with that of the output. What the figure does not show: a task. One example
# with one target is not yet learning.
#
# Now fill in the blanks: the six weights after the first epoch and after the second, to four decimals. Your two
# functions give outputs and signals, and the update is one line for each weight; the figure can be asked too. Replace
# each `None` by a number. This cell is not graded.

# %% tags=["figure"]
from nnlib import datasets

example = datasets.load("worked_example")
epoch_1 = {"w13": None, "w23": None, "w14": None, "w24": None, "w35": None, "w45": None}
epoch_2 = {"w13": None, "w23": None, "w14": None, "w24": None, "w35": None, "w45": None}

for i, blanks in enumerate((epoch_1, epoch_2)):
    for name, value in blanks.items():
        exact = example.epochs[i].new_weights[name]
        verdict = "blank" if value is None else "right" if abs(value - exact) < 6e-5 else "not yet"
        print(f"epoch {i + 1}: {name} {verdict}")

# %% [markdown]
# The library does the same in a few lines. The derivative of $\tfrac12(y - t)^2$ is $y - t$; the library's `MSE` is the
# mean of $(y - t)^2$ without the factor ½, so its derivative is twice as large, and half the rate gives the same step. (In `W` the weights stand
# by rows, hence the order 13, 14, 23, 24.)

# %% tags=["figure"]
from nnlib import MSE, SGD, Linear, Sequential

network = example.network()  # Linear(2, 2), Sigmoid, Linear(2, 1), Sigmoid, without biases
optimizer = SGD(network, lr=0.5)
row, wanted = example.x[None], np.array([[example.target]])  # a batch of one row
for epoch in (1, 2):
    network.loss_and_gradient(row, wanted, MSE())
    optimizer.step()
    values = zip(("w13", "w14", "w23", "w24", "w35", "w45"), network.theta, strict=True)
    print(f"after epoch {epoch}:", *(f"{name} {value:.4f} " for name, value in values), end="")
    print(f"  then y5 = {network.forward(row)[0, 0]:.4f}")

# %% [markdown]
# ## Can we trust a printed example?
#
# This worked example stands on many lecture slides, with two to five decimals carried from line to line. (You need
# not have seen them.) In the table the first column of numbers is exact. The second does what the slides do: it goes
# on from their shortened numbers and keeps as many decimals as they print, rounding most of them and cutting three
# off. (Once the sheet uses more digits than it prints: the new w14 comes from −0.00287, not from −0.0028.) The third
# is what they print.

# %% tags=["figure"]
print(f"{'entry':<10}{'formula':<24}{'exact':>10}{'kept':>10}{'printed':>11}")
for entry in example.sheet:
    kept = f"{entry.slides:.{entry.decimals}f}"
    row = f"{entry.symbol:<10}{entry.formula:<24}{entry.exact:>10.5f}{kept:>10}{entry.printed:>11}"
    print(row + ("   slip" if entry.slip else ""))
slips = [f"{entry.symbol}: {entry.slip}" for entry in example.sheet if entry.slip]
print("\nThe slips:", *slips, *example.remarks, sep="\n- ")

# %% [markdown]
# Cutting digits off is honest bookkeeping: $-0.0028$, where the sheet's own numbers give
# $-0.0082 \cdot 0.35 = -0.00287$, is not wrong, only short. A *slip* is
# something else. Three of the printed numbers are slips; the rest of the list are slips of words, such as
# swapped captions or both signs at once. Whoever learns from a sheet like this learns to recompute.
#
# How would we find such slips without having the exact numbers? By recomputing every entry from the numbers
# that the sheet itself prints as its inputs: then one slip does not hide behind another. That is the
# exercise `find_slips` under *Going further*.
#
# ## Does this work for any formula?
#
# Nothing in the argument needed neurons. Any formula is a *graph*: its nodes are values, and an arrow
# leads from each value to those that are computed from it. Going backward, every node needs to know two
# things only: the gradient that arrives from above, and its own local derivative. Their product is
# passed on.
#
# One rule must be added, for a value that is used twice, such as $x$ in $z = u + x$ with $u = x^2$. Its *local*
# derivative along one arrow asks what happens if only this use of $x$ moves while $u$ is held still: $\partial z/\partial x = 1$.
# The *whole* derivative $dz/dx$ asks what happens if $x$ moves in both places. Both changes reach $z$, and small
# changes add: 1 arrives at $x$ along the direct arrow and $2x$ by way of $u$, together $dz/dx = 1 + 2x$.
#
# The figure steps through a graph and asks for each local derivative before it shows it. The order is the reverse
# of the order of computing: a node passes its gradient on only when all contributions to it have arrived.

# %% tags=["figure"]
from nnlib.widgets import GraphStepper

GraphStepper()

# %% [markdown]
# What to see: at a shared node two numbers meet and are added, whichever path they took. What the
# figure does not show: how to find such an order for a graph of a million nodes. `backward_graph` under
# *Going further* does.
#
# ## How do we know that a gradient is right?
#
# By asking each weight in turn, after all. The central difference
#
# $$\frac{\partial L}{\partial \theta_i} \approx \frac{L(\theta + h e_i) - L(\theta - h e_i)}{2h}$$
#
# ($e_i$ is the direction of the $i$-th weight alone) is far too slow for training, but it knows nothing of the chain
# rule, so it is an independent witness. Its one difficulty is the choice of the step $h$. In the figure, float64 stands
# for the usual numbers with about 16 digits, float32 for the shorter ones with about 7 that networks are trained
# with, and LeakyReLU for a function with a corner at 0.

# %% tags=["figure"]
from nnlib.widgets import GradientCheck

GradientCheck()

# %% [markdown]
# What to see: for most functions the error forms a V. On its right arm the curve of the function shows (Taylor: the error
# falls like $h^2$, with one-sided differences only like $h$); a parabola has no such arm, since its central difference
# has no error there. On the left arm the digits run out: two almost equal numbers are subtracted. In float64 the best
# step is near $10^{-5}$. In float32 it is near $10^{-2}$ and leaves about five digits at best. The last preset puts a
# corner inside the step: there the difference is wrong whatever the digits. What the figure does not show: more than
# one weight. For a whole network one does not check every weight but a few random directions $v$: the difference along
# $v$ must equal the dot product of the gradient with $v$.
#
# Now we can measure what was claimed at the beginning.

# %% tags=["figure"]
from time import perf_counter

from nnlib import CrossEntropy, ReLU

digits = datasets.load("digits")
X, targets = digits.X[:256], digits.y[:256]


def shortest(work, repeats=7):
    """Return the shortest of several durations: the one least disturbed by other programs."""
    durations = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        durations.append(perf_counter() - began)
    return min(durations)


def one_gradient(model, loss):
    """Run forward as for the loss, then backward."""
    loss.forward(model.forward(X), targets)
    model.backward(loss.backward(), need_dx=False)


print("parameters   one loss   all gradients         by differences, 2P losses")
for width in (32, 128, 512, 1333):
    model = Sequential(Linear(64, width, rng=0), ReLU(), Linear(width, 10, rng=1))
    loss = CrossEntropy()
    P = model.theta.size
    one_loss = shortest(lambda: loss.forward(model.forward(X), targets))
    gradient = shortest(lambda: one_gradient(model, loss))
    print(
        f"{P:>10,}  {one_loss * 1e3:6.2f} ms  {gradient * 1e3:6.2f} ms = {gradient / one_loss:3.1f} losses"
        f"  {2 * P * one_loss:10.1f} s (computed)"
    )


# %% [markdown]
# A gradient costs a few losses, for two thousand parameters as for a hundred thousand. Forward is one matrix product a layer; backward is two, one for the weights and one to pass on, and
# the first layer, which holds most of the weights here, passes nothing on: so it is a little less than three. The last column is the time of one loss multiplied by $2P$; nobody wants to wait for
# it. This is the reason why networks can be large. Baur and Strassen proved in 1983 that a gradient never costs more than
# a small multiple of the function, whatever the function.
#
# *A good place for a break.*
#
# ## What is the backward pass of a whole layer?
#
# Single weights are instructive and slow. From here on a layer is a matrix and a batch is a matrix, and
# gradients point up the loss. A linear layer takes $x$ of shape $(N, d_{in})$ and gives
#
# $$y = x\,W + b, \qquad y_{nk} = \sum_i x_{ni}\,W_{ik} + b_k .$$
#
# In the backward pass the layer is handed $\partial L/\partial y$, called `dy`, of the same shape as $y$.
# It owes three answers. We derive one of them here, for the input. The entry $x_{ni}$ acts on every output
# of its own row $n$ and on no other row, each time through one weight:
#
# $$\frac{\partial L}{\partial x_{ni}} = \sum_k \frac{\partial L}{\partial y_{nk}}\,\frac{\partial y_{nk}}{\partial x_{ni}} = \sum_k \frac{\partial L}{\partial y_{nk}}\,W_{ik} .$$
#
# The sum runs over the second index of both, so in matrices $W$ stands transposed on the right: $dx = dy\,W^\mathsf{T}$, in
# code with `W.T`. For $W$ and $b$ ask the same question: on which entries of $y$ does $W_{ik}$ act? On those of column
# $k$, in *every* row, each time multiplied by an entry of $x$. Over what must the sum run, then?
#
# The loss is a mean over the batch, and its $1/N$ is already inside `dy`. So nothing is divided here.
#
# That this is the same thing as before can be seen with the small network. We compute the $\delta$ of its hidden units
# twice, by hand and with matrices; the signs differ, because gradients point up the loss:

# %% tags=["nbval-check-output"]
y3, y4, y5 = (getattr(example.epochs[0], name) for name in ("y3", "y4", "y5"))  # forward pass
delta5 = y5 * (1 - y5) * (0.5 - y5)
by_hand = [y3 * (1 - y3) * 0.3 * delta5, y4 * (1 - y4) * 0.9 * delta5]

hidden = np.array([[y3, y4]])  # one row, two units
W_out = np.array([[0.3], [0.9]])  # w35 and w45
da5 = np.array([[-delta5]])  # the gradient that arrives
da_hidden = (da5 @ W_out.T) * hidden * (1 - hidden)  # through W, then through the slopes
print("by hand, down the loss:   ", np.round(by_hand, 6))
print("by matrices, up the loss: ", np.round(da_hidden[0], 6))


# %% exercise="linear_backward"
def linear_backward(x, W, dy):
    """Carry the gradient at the output of y = x W + b back to x, W and b.

    Parameters: x (N, d_in), the input of the forward pass; W (d_in, d_out); dy (N, d_out), the
    gradient of the loss at y, which already holds the 1/N of the mean.
    Returns: dx (N, d_in), dW (d_in, d_out), db (d_out,).

    Example: x = [[1, 2], [10, 20]], W = [[3], [5]], dy = [[1], [0.5]] give
    dx = [[3, 5], [1.5, 2.5]], dW = [[6], [12]], db = [1.5].
    """
    ### BEGIN SOLUTION
    dx = dy @ W.T
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dx, dW, db
    ### END SOLUTION


# %% check="linear_backward"
check("linear_backward")

# %% [markdown]
# ## What does an activation do to a gradient?
#
# Between the linear layers stands an activation, since two linear layers alone are one linear layer: $(x W_1) W_2 = x (W_1 W_2)$,
# and the product of two matrices is one matrix. The
# plainest is ReLU, $y = \max(x, 0)$. It works entry by entry, so its backward pass does too: each entry of
# `dy` is multiplied by the slope at that entry. The slope is 1 where $x$ is positive and 0 where it is
# negative. At exactly 0 there is a kink and no derivative; as everywhere in this course we take 0 there.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="01-dead-relu",
    question=(
        "A ReLU unit has a negative input for every row of the batch. How large is the gradient "
        "for the weights that lead into it?"
    ),
    choices=["Small, but not zero", "Exactly zero", "As large as the gradient that arrives"],
    answer=1,
    because=(
        "Each entry is multiplied by the slope 0. In this step the unit learns nothing; if it "
        "stays so for all data it is called dead. Unit 03 counts such units."
    ),
)


# %% exercise="relu_backward"
def relu_backward(x, dy):
    """Carry the gradient at the output of y = max(x, 0) back to x.

    Parameters: x, the input of the forward pass, and dy, the gradient at y, of the same shape.
    Returns: dx, of that shape. Where x is exactly 0 the slope is taken as 0.

    Example: x = [[-1, 2, 0]] and dy = [[5, 6, 7]] give dx = [[0, 6, 0]].
    """
    ### BEGIN SOLUTION
    return dy * (x > 0)
    ### END SOLUTION


# %% check="relu_backward"
check("relu_backward")

# %% [markdown]
# ## Which loss suits classes?
#
# For ten digits the network ends in ten numbers a row, the *logits* $z$ (log is the natural logarithm throughout). *Softmax* turns them into
# probabilities, and the loss is the *cross-entropy*: minus the logarithm of the probability that the right
# class $t_n$ was given, averaged over the batch:
#
# $$p_{nk} = \frac{e^{z_{nk}}}{\sum_j e^{z_{nj}}}, \qquad L = -\frac1N \sum_n \log p_{n t_n} .$$
#
# A network that knows nothing says $p = 1/10$ for each digit and has $L = \log 10 = 2.30$. For one row,
# $L = \log\sum_j e^{z_j} - z_t$, and we differentiate this with respect to $z_k$. The first term gives
# $e^{z_k} / \sum_j e^{z_j} = p_k$. The second gives $-1$ if $k$ is the right class and 0 otherwise. So
#
# $$\frac{\partial L}{\partial z_{nk}} = \frac1N\,\bigl(p_{nk} - [k = t_n]\bigr), \qquad [k = t_n] = 1 \text{ if } k \text{ is the right class, else } 0:$$
#
# what was said minus what was true. No slope multiplies it, so a confidently wrong answer learns *fast*. That
# is why this pair is used for classes, rather than sigmoid and squared error. One row of three logits, with numbers:

# %% tags=["nbval-check-output"]
z_row = np.array([2.0, 1.0, 0.0])
p_row = np.exp(z_row) / np.exp(z_row).sum()
print("probabilities:", p_row.round(3), " loss if class 1 is right:", -np.log(p_row[1]).round(3))
print("gradient:     ", (p_row - np.array([0.0, 1.0, 0.0])).round(3))

# %% [markdown]
# Two traps lie in the exponential. The first: $e^{1000}$ is infinite in floating point. But subtracting the same number
# $m$ from all logits of a row changes no probability (numerator and denominator get the same factor), so we are free to
# choose an $m$ for each row. The second: a probability may be too small to be written down and become 0, and $\log 0$ is
# infinite. So the logarithm should not be taken of $p$. Written out,
#
# $$\log p_k = (z_k - m) - \log\sum_j e^{z_j - m},$$
#
# no small probability is ever formed. Logits of the size of 1000 are then no trouble.

# %% tags=["nbval-check-output"]
z_row = np.array([1000.0, 1001.0, 1002.0])
with np.errstate(over="ignore", invalid="ignore"):
    print("as the formula stands:     ", np.exp(z_row) / np.exp(z_row).sum())
shifted = z_row - 1002.0
print("the same, each less 1002:  ", np.exp(shifted) / np.exp(shifted).sum())


# %% exercise="softmax_cross_entropy"
def softmax_cross_entropy(z, targets):
    """Compute the cross-entropy of softmax probabilities, and its gradient at the logits.

    Parameters: z (N, K), the logits, as large as 1000 in size; targets (N,), the right class of
    each row, whole numbers from 0 to K - 1.
    Returns: the loss, one number, a mean over the rows; dz (N, K), its gradient.

    Example: z = [[0, 0], [0, 0]] and targets = [0, 1] give the loss log 2 = 0.6931 and
    dz = [[-0.25, 0.25], [0.25, -0.25]].
    """
    ### BEGIN SOLUTION
    n = len(z)
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(n)
    loss = -log_p[rows, targets].mean()
    dz = np.exp(log_p)
    dz[rows, targets] -= 1
    return loss, dz / n
    ### END SOLUTION


# %% check="softmax_cross_entropy"
check("softmax_cross_entropy")


# %% [markdown]
# ## How do the pieces make a network?
#
# Forward, each layer hands its output to the next. Backward, each hands its `dx` to the one before, where
# it arrives as `dy`. For two layers with ReLU between them:
#
# $$z_1 = X W_1 + b_1 \;\to\; h = \max(z_1, 0) \;\to\; z_2 = h\,W_2 + b_2 \;\to\; L$$
#
# and back along the same line, from $L$ to $z_2$ to $h$ to $z_1$. What the forward pass computed is kept,
# because the backward pass needs it: $h$ for $\partial L/\partial W_2$, the sign of $z_1$ for ReLU, $X$ for
# $\partial L/\partial W_1$. You may call the functions that you have written above, or write everything out; the check
# judges this exercise by itself.


# %% exercise="mlp_gradients"
def mlp_gradients(X, targets, W1, b1, W2, b2):
    """Compute the loss of a two-layer network and its gradients.

    The network is z1 = X W1 + b1, h = max(z1, 0), z2 = h W2 + b2; the loss is the mean
    cross-entropy of softmax(z2).

    Parameters: X (N, d), targets (N,) whole numbers, W1 (d, m), b1 (m,), W2 (m, K), b2 (K,).
    Returns: loss, dW1, db1, dW2, db2, in this order.
    """
    ### BEGIN SOLUTION
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    shifted = z2 - z2.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(X))
    loss = -log_p[rows, targets].mean()
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1
    dz2 /= len(X)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)
    ### END SOLUTION


# %% check="mlp_gradients"
check("mlp_gradients")

# %% [markdown]
# ## Is your own gradient right?
#
# The check compared it with ours. A second witness is the difference quotient, along a few random directions.

# %% tags=["drive"]
from grading.check import passed

if passed("mlp_gradients"):
    rng = np.random.default_rng(7)
    X, targets = rng.normal(size=(6, 5)), rng.integers(0, 3, size=6)
    point = [rng.normal(size=shape) for shape in ((5, 4), (4,), (4, 3), (3,))]
    _, *gradients = mlp_gradients(X, targets, *point)
    for _ in range(3):
        v = [rng.normal(size=part.shape) for part in point]
        above = mlp_gradients(X, targets, *(a + 1e-5 * b for a, b in zip(point, v, strict=True)))[0]
        below = mlp_gradients(X, targets, *(a - 1e-5 * b for a, b in zip(point, v, strict=True)))[0]
        slope = sum(float(np.sum(g * b)) for g, b in zip(gradients, v, strict=True))
        print(f"gradient along v {slope:+.8f}   difference quotient {(above - below) / 2e-5:+.8f}")

# %% [markdown]
# ## Does it read digits?
#
# Now your function trains a network on 1,437 handwritten digits. No library computes a gradient here; the
# only other ingredient is the step $\theta \leftarrow \theta - \eta\,g$. Every fifth picture is held out: the network
# is judged on these, and never learns from them. The weights start at random, scaled by $\sqrt{2/\text{inputs}}$ (He's
# rule, which unit 03 explains). The dotted line in the second picture marks 95 %. The loss is counted in *nats*, the unit that belongs to the natural logarithm.

# %% tags=["drive"]
if passed("mlp_gradients"):
    from nnlib.plotting import TRAINING, VALIDATION, new_axes, show

    held_out = np.arange(len(digits.X)) % 5 == 0
    X, targets = digits.X[~held_out].astype(float), digits.y[~held_out]
    rng = np.random.default_rng(0)
    W1, b1 = rng.normal(size=(64, 32)) * np.sqrt(2 / 64), np.zeros(32)
    W2, b2 = rng.normal(size=(32, 10)) * np.sqrt(2 / 32), np.zeros(10)
    losses, right = [], []
    for _ in range(30):
        for rows in np.array_split(rng.permutation(len(X)), 45):
            loss, *gradients = mlp_gradients(X[rows], targets[rows], W1, b1, W2, b2)
            losses.append(loss)
            for parameter, gradient in zip((W1, b1, W2, b2), gradients, strict=True):
                parameter -= 0.5 * gradient
        guesses = (np.maximum(digits.X[held_out] @ W1 + b1, 0) @ W2 + b2).argmax(axis=1)
        right.append(float(np.mean(guesses == digits.y[held_out])))

    figure, (left, other) = new_axes(2)
    left.plot(losses, color=TRAINING, linewidth=0.8)
    left.set(xlabel="iteration (45 an epoch)", ylabel="loss of the batch (nats)", yscale="log")
    other.plot(range(1, 31), right, "--", color=VALIDATION)
    other.axhline(0.95, color="black", linewidth=0.8, linestyle=":")
    other.set(xlabel="epoch", ylabel="share of held-out digits read right")
    show(
        figure,
        f"The loss of a batch falls from {losses[0]:.2f} to {losses[-1]:.3f}, and the share of held-out "
        f"digits read right rises from {right[0]:.0%} to {right[-1]:.0%}.",
    )
    print(
        f"driven by your code: {right[-1]:.1%} of {held_out.sum()} held-out digits (1 run, seed 0)"
    )

# %% [markdown]
# ## Are two layers the limit?
#
# Your functions `linear_backward`, `relu_backward` and `softmax_cross_entropy` know nothing of one another, so they can
# be chained to any depth. That is
# how every library works: a layer needs only its own forward and backward rule.

# %% tags=["drive"]
if passed("linear_backward", "relu_backward", "softmax_cross_entropy"):
    from itertools import pairwise

    rng = np.random.default_rng(1)
    held_out = np.arange(len(digits.X)) % 5 == 0
    X, targets = digits.X[~held_out].astype(float), digits.y[~held_out]
    sizes = (64, 48, 32, 24, 10)
    Ws = [rng.normal(size=pair) * np.sqrt(2 / pair[0]) for pair in pairwise(sizes)]
    bs = [np.zeros(size) for size in sizes[1:]]

    def forward(batch):
        inputs, zs = [], []  # what each layer received and what it gave before its ReLU
        for W, b in zip(Ws, bs, strict=True):
            inputs.append(batch if not zs else np.maximum(zs[-1], 0))
            zs.append(inputs[-1] @ W + b)
        return inputs, zs

    for _ in range(20):
        for rows in np.array_split(rng.permutation(len(X)), 45):
            inputs, zs = forward(X[rows])
            _, dy = softmax_cross_entropy(zs[-1], targets[rows])
            for i in reversed(range(len(Ws))):
                dx, dW, db = linear_backward(inputs[i], Ws[i], dy)
                Ws[i], bs[i] = Ws[i] - 0.2 * dW, bs[i] - 0.2 * db
                dy = relu_backward(zs[i - 1], dx) if i else dx
    guesses = forward(digits.X[held_out])[1][-1].argmax(axis=1)
    print(
        f"four layers from your three functions: {np.mean(guesses == digits.y[held_out]):.1%} "
        "of the held-out digits (1 run, seed 1)"
    )

# %% [markdown]
# ## What is it good for?
#
# Five virtues are ascribed to backpropagation. *Efficiency* we have measured above. *Scalability* stood in the
# same table: with forty times the parameters a gradient takes longer, but still costs a few losses.
#
# *Versatility*: nothing in it asked what the layers are. Here the same code computes the gradients of four networks of
# different shape and with different activations, and the difference quotient is the witness. In unit 08 the same rule
# trains convolutions, recurrent networks and attention. *Foundation*: the gradient is what every optimizer starts from. We
# hand it to one that knows nothing of networks, L-BFGS from SciPy, and compare with our plain steps after as many gradients.

# %% tags=["figure"]
from itertools import pairwise

from scipy.optimize import minimize

from nnlib import LeakyReLU, Sigmoid, Tanh, check_gradient

X, targets, loss = digits.X[:200], digits.y[:200], CrossEntropy()


def value_and_gradient(theta, model):
    model.theta[:] = theta
    value, gradient = model.loss_and_gradient(X, targets, loss)
    return value, gradient.copy()


def network(activation, *widths):
    layers = []
    for i, (d_in, d_out) in enumerate(pairwise(widths)):
        layers += [Linear(d_in, d_out, rng=i, dtype=np.float64), activation()]
    return Sequential(*layers[:-1])  # no activation behind the last layer


for model in (
    network(ReLU, 64, 10),
    network(Sigmoid, 64, 20, 10),
    network(Tanh, 64, 30, 20, 10),
    network(LeakyReLU, 64, 9, 9, 9, 9, 10),
):
    theta = model.theta.copy()
    _, gradient = value_and_gradient(theta, model)
    result = check_gradient(lambda t: value_and_gradient(t, model)[0], theta, gradient)
    n_layers = sum(isinstance(layer, Linear) for layer in model.layers)
    print(f"linear layers: {n_layers}, relative error of the gradient {result.relative_error:.0e}")

found = minimize(
    value_and_gradient, theta, args=(model,), jac=True, method="L-BFGS-B", options={"maxfun": 100}
)
model.theta[:] = theta
optimizer = SGD(model, lr=0.3)
for _ in range(found.nfev):
    model.loss_and_gradient(X, targets, loss)
    optimizer.step()
print(
    f"loss after {found.nfev} gradients: L-BFGS {found.fun:.4f}, "
    f"plain steps {value_and_gradient(model.theta.copy(), model)[0]:.4f}"
)

# %% [markdown]
# A relative error near $10^{-9}$ is what the difference quotient's own rounding leaves: the four gradients are right. From as
# many gradients of the last network L-BFGS gets further than plain steps at this one learning rate, which was not tuned.
#
# The fifth virtue is *automation*: features that people used to design by hand
# are learned. This can be tested. We train a linear classifier on the raw pixels of fifty pictures, and the same
# kind of classifier on the hidden values that a network computes from them, which was trained on other pictures.

# %% tags=["figure"]
from nnlib import fit


def accuracy(model, X, y):
    return float(np.mean(model.forward(X).argmax(axis=1) == y))


def linear_on(features, y, test_features, test_y, rng):
    model = Sequential(Linear(features.shape[1], 10, rng=rng))
    fit(
        model,
        features,
        y,
        loss=CrossEntropy(),
        optimizer=SGD(model, lr=0.3),
        epochs=150,
        batch_size=25,
        rng=rng,
        progress=False,
    )
    return accuracy(model, test_features, test_y)


held_out = np.arange(len(digits.X)) % 5 == 0
raw, learned = [], []
for seed in range(5):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(~held_out))
    few, many = rows[:50], rows[50:]
    model = Sequential(Linear(64, 64, rng=rng), ReLU(), Linear(64, 10, rng=rng))
    fit(
        model,
        digits.X[many],
        digits.y[many],
        loss=CrossEntropy(),
        optimizer=SGD(model, lr=0.3),
        epochs=20,
        batch_size=32,
        rng=rng,
        progress=False,
    )
    hidden = np.maximum(model.layers[0].forward(digits.X), 0)
    for X, result in ((digits.X, raw), (hidden, learned)):
        result.append(linear_on(X[few], digits.y[few], X[held_out], digits.y[held_out], rng))
print(f"linear classifier, 50 labels, raw pixels:       {np.mean(raw):.1%} ± {np.std(raw):.1%}")
print(
    f"linear classifier, 50 labels, learned features: {np.mean(learned):.1%} ± {np.std(learned):.1%}"
    "  (5 seeds: mean ± standard deviation)"
)


# %% [markdown]
# With the same fifty labels the learned features give the better classifier. They were learned with the labels of
# other pictures, so the comparison shows that features carry over, not that labels are unnecessary.
#
# ## Where does it stop?
#
# Four limits, each with a measurement. First, *it depends on where it starts*.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="01-symmetry",
    question=(
        "All weights and biases of a network with 32 hidden units begin with the same value, 0.1. "
        "How many different hidden units are there after training?"
    ),
    answer=1,
    because=(
        "Units whose weights, incoming and outgoing, are equal receive equal gradients, step after "
        "step. So they stay equal for ever."
    ),
    unit="different units",
)


# %% tags=["figure"]
def train(model, X, y, epochs, seed=0, lr=0.3):
    return fit(
        model,
        X,
        y,
        loss=CrossEntropy(),
        optimizer=SGD(model, lr=lr),
        epochs=epochs,
        batch_size=32,
        rng=seed,
        progress=False,
    )


X, y = digits.X[~held_out], digits.y[~held_out]
for name in ("all weights 0.1", "random (He)"):
    model = Sequential(Linear(64, 32, rng=0), ReLU(), Linear(32, 10, rng=1))
    if name == "all weights 0.1":
        model.theta[:] = 0.1
    train(model, X, y, epochs=20)
    n_different = len(np.unique(model.layers[0].W.round(5), axis=1).T)
    print(
        f"{name:<16} {n_different:>3} different hidden units of 32, "
        f"{accuracy(model, digits.X[held_out], digits.y[held_out]):.1%} of the held-out digits"
    )

# %% [markdown]
# Units that are alike in what comes in and in what goes out stay alike, so thirty-two of them do the work of one. (If only
# the first layer starts with equal values and the second at random, the units part again.) Unit 03 is about good
# beginnings.
#
# Second, *it costs memory*: the forward pass must keep what the backward pass needs.

# %% tags=["figure"]
import tracemalloc

model = Sequential(
    Linear(64, 512, rng=0), ReLU(), Linear(512, 512, rng=1), ReLU(), Linear(512, 10, rng=2)
)
print(f"parameters: {model.theta.nbytes / 2**20:.1f} MiB, whatever the batch")
tracemalloc.start()
for n in (32, 256, 1437):
    batch = digits.X[:n]
    before, _ = tracemalloc.get_traced_memory()
    model.forward(batch)
    after, _ = tracemalloc.get_traced_memory()
    print(f"batch of {n:>5}: {(after - before) / 2**20:5.1f} MiB more is kept than before")
tracemalloc.stop()

# %% [markdown]
# The parameters need the same room for every batch, while what is kept grows with it: at 1,437 rows it is several times
# as much. Memory, rather than time, is what limits the batch of a large network.
#
# Third, *it needs slopes*. A unit that says only 0 or 1 has the slope 0 almost everywhere, and then every gradient
# behind it is 0, however wrong the answer. What happens at a single kink, as in ReLU, is harmless in practice: we
# have just trained several such networks (unit 03 comes back to this).

# %% tags=["nbval-check-output"]
h = 1e-5
for a in (-1.3, 0.4, 2.0):
    step_slope = (float(a + h > 0) - float(a - h > 0)) / (2 * h)
    relu_slope = (max(a + h, 0) - max(a - h, 0)) / (2 * h)
    print(
        f"at {a:4.1f}: slope of the step function {step_slope:.0f}, slope of ReLU {relu_slope:.0f}"
    )

# %% [markdown]
# Fourth, *a small loss is not the goal*. A claim one often reads: "backpropagation updates the weights and leads to
# overfitting." We take it apart.

# %% tags=["figure"]
few = np.flatnonzero(~held_out)[:60]
model = Sequential(Linear(64, 256, rng=0), ReLU(), Linear(256, 10, rng=1))
before = model.theta.copy()
for _ in range(100):
    model.loss_and_gradient(digits.X[few], digits.y[few], CrossEntropy())
print("weights changed by 100 backward passes:", int(np.sum(model.theta != before)))

print("rows  hidden  training  held out")
for n_rows in (60, 1437):
    for width in (4, 256):
        rows = np.flatnonzero(~held_out)[:n_rows]
        seen, unseen = [], []
        for seed in range(3):
            model = Sequential(Linear(64, width, rng=seed), ReLU(), Linear(width, 10, rng=seed + 9))
            train(model, digits.X[rows], digits.y[rows], epochs=24000 // n_rows, seed=seed)
            seen.append(accuracy(model, digits.X[rows], digits.y[rows]))
            unseen.append(accuracy(model, digits.X[held_out], digits.y[held_out]))
        print(f"{n_rows:>4}  {width:>6}  {np.mean(seen):7.1%}  {np.mean(unseen):7.1%}  (3 seeds)")


# %% [markdown]
# Backpropagation computes gradients and changes nothing; the optimizer does the updates. All four runs have about the
# same number of them. With the same backpropagation the distance between the two columns is large for few rows and small
# for many. What of the number of weights? With 60 rows the *larger* network keeps the smaller distance, against what one
# might expect, and with 1,437 rows four hidden units read even the training pictures badly; whether for lack of units or
# of updates, this table cannot say. So overfitting depends on the data and on the size of the network, not on how the
# gradient was computed. Unit 05 takes this up, training time included, with more care than three seeds allow.
#
# ## Going further
#
# These exercises do not count in the grade. Each can be done by itself.
#
# **The sigmoid's backward pass**, from its output, as in the worked network.


# %% exercise="sigmoid_backward"
def sigmoid_backward(y, dy):
    """Carry the gradient at the output of y = 1 / (1 + exp(-x)) back to x.

    Parameters: y, the output of the forward pass (not its input), and dy, the gradient at y, of
    the same shape.
    Returns: dx, of that shape.

    Example: y = [0.5, 0.2] and dy = [1, 10] give dx = [0.25, 1.6].
    """
    ### BEGIN SOLUTION
    return dy * y * (1 - y)
    ### END SOLUTION


# %% check="sigmoid_backward"
check("sigmoid_backward")


# %% [markdown]
# **A gradient without calculus.** The step grows with large parameters, so that rounding does not swallow it; below 1 it
# is $h$ itself.


# %% exercise="central_difference"
def central_difference(f, theta, h):
    """Estimate the gradient of f at theta by central differences.

    For entry i the step is h * max(1, |theta[i]|), to both sides.

    Parameters: f, a function from an array of shape (P,) to a number; theta (P,), which must be
    the same after the call as before; h, a positive number.
    Returns: the gradient (P,).

    Example: for f(theta) = theta[0] ** 2 at theta = [3] the result is [6], whatever h.
    """
    ### BEGIN SOLUTION
    gradient = np.zeros_like(theta)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        above, below = theta.copy(), theta.copy()
        above[i] += step
        below[i] -= step
        gradient[i] = (f(above) - f(below)) / (2 * step)
    return gradient
    ### END SOLUTION


# %% check="central_difference"
check("central_difference")


# %% [markdown]
# **Finding slips** in a printed calculation.


# %% exercise="find_slips"
def find_slips(sheet):
    """Name the entries of a calculation sheet that do not follow from their own inputs.

    Parameters: sheet, a list of entries [name, operation, inputs, printed, decimals]. The value of
    an entry follows from its inputs, as printed, by its operation:
        "weighted_sum"  [w1, x1, w2, x2]       w1 x1 + w2 x2
        "sigmoid"       [a]                    1 / (1 + exp(-a))
        "output_delta"  [y, target]            y (1 - y) (target - y)
        "hidden_delta"  [y, w, delta]          y (1 - y) w delta
        "update"        [w, rate, delta, y]    w + rate delta y
    Sheets round or cut off after the given number of decimals. An entry is a slip if it is off by
    1.5 units of its last decimal or more: 0.0355 for 0.0350 is off by 5 units.
    Returns: the names of the slips, in the order of the sheet.
    """
    ### BEGIN SOLUTION
    formulas = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        value = formulas[operation](*inputs)
        if abs(printed - value) >= 1.5 * 10.0**-decimals:
            slips.append(name)
    return slips
    ### END SOLUTION


# %% check="find_slips"
check("find_slips")


# %% [markdown]
# **Training a network**, with everything that is random handed in.


# %% exercise="train_mlp"
def train_mlp(X, targets, W1, b1, W2, b2, batches, lr):
    """Train the two-layer network of mlp_gradients by plain gradient descent.

    Parameters: X (N, d), targets (N,); the weights to start from, which must be the same after the
    call as before; batches, a list of arrays of row numbers, one array for each update, in order;
    lr, the learning rate. You may call your own functions from above.
    Returns: W1, b1, W2, b2 after the last update.
    """
    ### BEGIN SOLUTION
    W1, b1, W2, b2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()
    for rows in batches:
        x, t = X[rows], targets[rows]
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        p = np.exp(z2 - z2.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(rows)), t] -= 1
        dz2 = p / len(rows)
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W2 -= lr * (h.T @ dz2)
        b2 -= lr * dz2.sum(axis=0)
        W1 -= lr * (x.T @ dz1)
        b1 -= lr * dz1.sum(axis=0)
    return W1, b1, W2, b2
    ### END SOLUTION


# %% check="train_mlp"
check("train_mlp")


# %% [markdown]
# **Any graph.** The heart of an automatic differentiation library.


# %% exercise="backward_graph"
def backward_graph(graph, values):
    """Compute the gradient of a graph's output with respect to every node.

    Parameters: graph, a list of nodes [operation, parents]; parents are the numbers of the nodes
    that a node is computed from, and may be larger than the node's own number. Operations:
    "input" (no parents), "add" and "multiply" (two parents, perhaps the same one twice), "exp"
    and "negate" (one parent). values (n,), the value of each node. The output is the one node
    that is no other node's parent.
    Returns: an array (n,), the derivative of the output with respect to each node.

    Example: graph = [["input", []], ["multiply", [0, 0]], ["add", [1, 0]]], which is x x + x,
    with values = [3, 9, 12] gives [7, 1, 1].
    """
    ### BEGIN SOLUTION
    n = len(graph)
    waiting = [0] * n  # uses of each node that have not reported back yet
    for _, parents in graph:
        for parent in parents:
            waiting[parent] += 1
    gradient = np.zeros(n)
    ready = [node for node in range(n) if waiting[node] == 0]
    gradient[ready] = 1.0
    while ready:
        node = ready.pop()
        operation, parents = graph[node]
        if operation == "multiply":
            local = [values[parents[1]], values[parents[0]]]
        else:
            local = {"input": [], "add": [1, 1], "negate": [-1], "exp": [values[node]]}[operation]
        for parent, slope in zip(parents, local, strict=True):
            gradient[parent] += gradient[node] * slope
            waiting[parent] -= 1
            if waiting[parent] == 0:
                ready.append(parent)
    return gradient
    ### END SOLUTION


# %% check="backward_graph"
check("backward_graph")

# %% [markdown]
# ## Do I have it?

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Question, SelfCheck

SelfCheck(
    key="01",
    questions=[
        Question(
            "What does backpropagation compute?",
            [
                "The new weights",
                "The gradient of the loss for every parameter",
                "The best learning rate",
            ],
            answer=1,
            because="It computes gradients. An optimizer decides what to do with them.",
        ),
        Question(
            "A value is used in two places. What is its gradient?",
            ["The larger of the two that arrive", "Their sum", "Their mean"],
            answer=1,
            because="Both paths change the loss, and small changes add.",
        ),
        Question(
            "1,437 examples, batches of 32. How many iterations has an epoch?",
            ["32", "44", "45"],
            answer=2,
            because="1437 / 32 = 44.9, and the last, smaller batch counts as well: 45.",
        ),
        Question(
            "Softmax with cross-entropy says p = (0.7, 0.2, 0.1), and class 1 is right (counted "
            "from 0). What is the gradient at the logits of this one row?",
            ["(0.7, −0.8, 0.1)", "(0.7, 0.2, 0.1)", "(−0.7, 0.8, −0.1)"],
            answer=0,
            because="What was said minus what was true: (0.7, 0.2 − 1, 0.1).",
        ),
        Question(
            "A gradient check in float64 with h = 1e-12 reports a relative error of 1e-4. What "
            "is the likely reason?",
            [
                "The gradient is wrong",
                "The step is too small: rounding rules",
                "The step is too large: curvature rules",
            ],
            answer=1,
            because="We are on the left arm of the V. With h near 1e-5 the check is decisive.",
        ),
    ],
)

# %% [markdown]
# ## What we can do now
#
# - Forward, values go along the weights; backward, gradients go along the same weights, and each unit multiplies
#   them by its slope.
# - Where a value is used twice, gradients add. One bias or weight serves every row of a batch, so its gradient sums over
#   the rows.
# - All gradients together cost a few evaluations of the loss, whatever the number of parameters; the price is memory.
# - A gradient is checked with central differences in float64, with a step near $10^{-5}$.
# - Backpropagation computes gradients. Whether a model learns the right thing is decided elsewhere.
#
# ## Papers
#
# - S. Linnainmaa (1970), *The representation of the cumulative rounding error of an algorithm as a Taylor expansion
#   of the local rounding errors*, master's thesis, Helsinki: the reverse mode of differentiation.
# - P. J. Werbos (1974), *Beyond regression*, PhD thesis, Harvard: its use for models that learn.
# - W. Baur, V. Strassen (1983), *The complexity of partial derivatives*, Theoretical Computer Science 22, 317–330: why
#   a gradient is cheap.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986), *Learning representations by back-propagating errors*, Nature
#   323, 533–536: the paper that made it known.
# - A. Griewank, A. Walther (2008), *Evaluating Derivatives*, 2nd edition, SIAM: the book on the subject.
