# %% [markdown]
# # Start here
#
# *Unit 00 · 45 minutes · no knowledge of neural networks is needed*
#
# This course is about one question: **how does a network learn from its errors, and how do we keep
# it from learning the wrong thing?** We build every part ourselves, in NumPy, and measure what we
# claim.
#
# This first unit shows how the notebooks work. At its end we can
#
# - run a notebook, commit to a prediction, write an exercise and read what the check says;
# - compute the mean squared error of a batch;
# - name the shape of every array in a two-layer network, forward and backward.

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% [markdown]
# ## Is everything installed?
#
# A grey box like the one above is a *cell*. Click into it and press **Shift+Enter**: the cell runs,
# and the next one is selected. The number in brackets at its left counts the runs; a star means that
# it is still running. Run the cell above now, if you have not, and then this one:
# %% tags=["figure"]
from grading.doctor import doctor

doctor()

# %% [markdown]
# Every line of the table should say *ok*. Where one does not, its last column says what to do.
#
# Three things about notebooks save an evening of confusion:
#
# - **Cells run in the order in which you run them**, not in the order on the page. Work from top to
#   bottom.
# - **What a cell defines stays** until it is replaced. If something seems impossible, choose
#   *Kernel → Restart Kernel and Run All Cells* and look again.
# - **Your text is saved, your variables are not.** After a restart, run the cells again.

# %% [markdown]
# ## What does it cost to be wrong?
#
# A network makes predictions $y$, and the truth is given by targets $t$. To improve the one towards
# the other we need a single number that says how wrong it is: the *loss*. One of the oldest is built on
# the squared differences (Legendre, 1805). We take their mean:
#
# $$L = \frac{1}{N\,d}\sum_{n=1}^{N}\sum_{k=1}^{d}\,(y_{nk} - t_{nk})^2$$
#
# The table of predictions has $N$ rows, one for each example of the *batch*, and $d$ columns, one for
# each output. The same in code, letter by letter: `y[n, k]` and `targets[n, k]`.
#
# Before each result in this course stands a question. Commit to an answer before you read on: a
# prediction that turns out wrong is remembered far better than a sentence that was merely read.
# Predictions never count for points.
#
# The next cell shows three dots in place of its code, because the code holds the answer. Click on the
# row of dots and press Shift+Enter, as with any other cell.

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Prediction

Prediction(
    key="00-doubled-batch",
    question=(
        "We write every row of a batch down twice, predictions and targets alike. "
        "What happens to the mean squared error?"
    ),
    choices=["It doubles", "It stays the same", "It halves"],
    answer=1,
    because=(
        "The sum of the squares doubles and so does the number of entries, so their ratio stays. "
        "That is why losses in this course are means: a larger batch does not look worse."
    ),
)


# %% [markdown]
# ## How does an exercise work?
#
# An exercise is a function with its body missing. The text between the triple quotes, the *docstring*,
# says what goes in and what comes out. Replace the line `raise NotImplementedError()` by your own
# code, run the cell, then run the check below it.
#
# The check runs your function on an example that can be followed with a pencil, then on random cases.
# **Wrong answers cost nothing**; try as often as you like. We even suggest that you begin with one:
# return the *sum* of the squared differences first, and read what the check makes of it.


# %% exercise="mean_squared_error"
def mean_squared_error(y, targets):
    """Average the squared differences over all entries.

    Parameters: y and targets, arrays of the same shape, (N, d) or (N,).
    Returns: the loss, one number.

    Example: y = [1, 2, 4] and targets = [1, 0, 1] give (0 + 4 + 9) / 3 = 4.333.
    """
    ### BEGIN SOLUTION
    return float(np.mean((y - targets) ** 2))
    ### END SOLUTION


# %% check="mean_squared_error"
check("mean_squared_error")

# %% [markdown]
# What the report tells, from top to bottom: the points; one sentence that says what is wrong; the name
# of the mistake, if it is a known one; the case in which the failure showed, with what was expected and
# what your function gave; which *parts* of the exercise pass, each with points of its own; and three
# hints, closed until you open them. After a pass, or after three different answers, the *solution* opens
# as well, with its derivation. The bare number under the report is what a grader reads: your points, and
# 0.0 in exercises that do not count.
#
# ## Which NumPy will we need?
#
# Little, but that surely. Each line below answers a question that comes up in unit 01. Read the code, **predict**
# what it prints, and run it.

# %%
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])  # shape (2, 3)
print("A * A, entry by entry:", (A * A).tolist())
print("A @ A.T, rows times columns; .T turns rows into columns:", (A @ A.T).tolist())
print("sum over the rows, one number a column:", A.sum(axis=0))
print("sum over the columns, kept as a column:", A.sum(axis=1, keepdims=True).tolist())
print("a mask, True where the test holds:", (A > 2).tolist())
print("times the mask, the rest becomes 0:", (A * (A > 2)).tolist())
print(
    "np.arange(2) is [0, 1]; one entry from each row, here columns 2 and 0:",
    A[np.arange(2), [2, 0]],
)
B = A  # the same array under a second name
C = A.copy()  # an array of its own
B[0, 0] = 100.0
print("A changed with B:", A[0, 0], " C did not:", C[0, 0])

# %% [markdown]
# ## Which shape does it have?
#
# Most errors in this subject are errors of shape, and most of those are found by asking the question
# before computing anything. Here is the notation that every unit keeps. Its words are explained where they
# are first used; for now the second and third column matter.
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $N$, $P$ | `n`, `theta.size` | – | rows in the batch; number of parameters |
# | $x$, $y$ | `x`, `y` | (N, d_in), (N, d_out) | a layer's input and output. A data set is `X`, `y`; where both meet, its labels are called `targets` |
# | $t$ | `targets` | as y, or (N,) | what the output should be; for classes the label, which is the number of the right class |
# | $W$, $b$; $z$ | `W`, `b`; `z` | (d_in, d_out), (d_out,); (N, d_out) | weights, bias; the value before the activation, *logits* |
# | $\partial L/\partial y$, $\partial L/\partial W$ | `dy`, `dW` | as y, as W | gradients; they point to where the loss grows |
# | $L$; $\theta$, $g$, $\eta$ | `loss`; `theta`, `grad`, `lr` | one number; (P,), (P,), one number | loss, a mean over the batch; all parameters, their gradient, the learning rate |
#
# Two more rows are for later units (04, 05 and 09) and may be skipped until then:
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $H$, $v$, $Hv$ | `H`, `v`, `Hv` | (P, P), but we never build it, (P,), (P,) | Hessian, direction, their product |
# | $\lambda_1 \ge \lambda_2 \dots$; $\lambda$; $m$ | `eigenvalues`; `strength`; `mask` | (k,); one number; (P,) of True and False | with an index an eigenvalue, bare a penalty's strength; in the mask, True marks a weight that is kept |
#
# A *linear layer* takes a batch `x` and gives `x @ W + b`: each row of `x` is multiplied by the same
# weights, and the same bias is added to each. In a matrix product the inner sizes meet and vanish:
# $(N, d_{in})\,(d_{in}, d_{out}) = (N, d_{out})$. We can see it:

# %%
x = np.ones((5, 3))  # 5 examples with 3 features (input numbers) each
W, b = np.ones((3, 4)), np.ones(4)
print("x", x.shape, " W", W.shape, " b", b.shape, " x @ W + b", (x @ W + b).shape)

# %% [markdown]
# Two such layers, one behind the other, with hidden values $h$ in between:
#
# $$h = x\,W_1 + b_1, \qquad y = h\,W_2 + b_2.$$
#
# (Between them usually stands an activation. It works entry by entry and changes no shape, so we leave
# it out here.)
#
# To learn, the network needs a *gradient* for each of these arrays. For every entry it holds one number: how
# does the loss change if this entry grows a little? How gradients are computed is the subject of unit 01.
# Their shapes follow without any computing from what a gradient is.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="00-bias-gradient",
    question=(
        "A batch of 5 rows with 3 features goes into a layer with 4 outputs. "
        "How many numbers does the gradient of the loss for the layer's bias b hold?"
    ),
    answer=4,
    because=(
        "A gradient has one entry for each entry of what it belongs to, and b has 4. The 5 rows "
        "share this bias, so what each of them says about it is added up."
    ),
    unit="numbers",
)


# %% exercise="predict_shapes"
def predict_shapes(n, d_in, d_hidden, d_out):
    """Tell the shapes of seven arrays in the network h = x W1 + b1, y = h W2 + b2.

    Parameters: the sizes as whole numbers; n is the number of rows in the batch.
    Returns: the shapes of h, y, dW2, db2, dh, dW1, db1, in this order, each a tuple.
    Here dW2 is the gradient of the loss for W2, and so on.

    Example: predict_shapes(5, 3, 4, 2) begins with (5, 4) for h, and ends with (4,) for db1.
    """
    ### BEGIN SOLUTION
    h = (n, d_hidden)
    y = (n, d_out)
    return h, y, (d_hidden, d_out), (d_out,), h, (d_in, d_hidden), (d_hidden,)
    ### END SOLUTION


# %% check="predict_shapes"
check("predict_shapes")

# %% [markdown]
# ## What is the loss good for?
#
# Each unit has a cell that *your code drives*: your functions run inside a real training on real data.
# It waits until their checks have passed. Here `mean_squared_error` does the measuring; `predict_shapes` must have
# passed, but is not called.
#
# Here a single linear layer learns to read handwritten digits (1,797 pictures of 8 × 8 pixels; E. Alpaydin
# and C. Kaynak, 1998). For each picture it gives ten numbers, and the target is 1 for the right digit
# and 0 for the others. Every fifth picture is *held out*: the layer never learns from it. After each pass
# through the other pictures your `mean_squared_error` measures the loss, once on the pictures the layer has
# seen and once on those it has not.

# %% tags=["figure"] jupyter={"source_hidden": true}
Prediction(
    key="00-seen-unseen",
    question="Which of the two losses will be the smaller one at the end?",
    choices=["The one on pictures it has seen", "The one on held-out pictures", "They are equal"],
    answer=0,
    because="It was trained to lower this one. By how much the other is larger, the picture tells.",
)

# %% [markdown]
# You need not read the code of this cell; all of it is explained in later units.

# %% tags=["drive"]
from grading.check import passed

if passed("mean_squared_error", "predict_shapes"):
    from nnlib import MSE, SGD, Linear, Sequential, datasets, fit
    from nnlib.plotting import TRAINING, VALIDATION, new_axes, show

    digits = datasets.load("digits")
    X, targets = digits.X, np.eye(10, dtype=np.float32)[digits.y]
    held_out = np.arange(len(X)) % 5 == 0  # every fifth picture is kept aside
    model = Sequential(Linear(64, 10, rng=0))
    optimizer = SGD(model, lr=0.5)
    seen, unseen = [], []
    for _ in range(20):
        fit(
            model,
            X[~held_out],
            targets[~held_out],
            loss=MSE(),
            optimizer=optimizer,
            epochs=1,
            batch_size=32,
            rng=0,
            progress=False,
        )
        seen.append(mean_squared_error(model.forward(X[~held_out]), targets[~held_out]))
        unseen.append(mean_squared_error(model.forward(X[held_out]), targets[held_out]))

    figure, [axes] = new_axes()
    axes.plot(range(1, 21), seen, color=TRAINING, label="seen while training")
    axes.plot(range(1, 21), unseen, "--", color=VALIDATION, label="held out")
    axes.set(xlabel="epoch (one pass through the training pictures)", ylabel="mean squared error")
    axes.legend()
    show(
        figure,
        f"Both losses fall quickly and then slowly, to {seen[-1]:.4f} on the pictures seen and "
        f"{unseen[-1]:.4f} on the held-out ones.",
    )
    right = float(np.mean(model.forward(X[held_out]).argmax(axis=1) == digits.y[held_out]))
    print(f"loss on seen pictures {seen[-1]:.4f}, on held-out ones {unseen[-1]:.4f}")
    print(f"{right:.1%} of the {held_out.sum()} held-out digits are read right (1 run, seed 0)")

# %% [markdown]
# The loss on pictures that the layer has not seen is the larger one, if only by a little. This
# difference is the *generalization gap*, and units 05 and 06 are about it. What the picture does not
# show: whether the gap would be the same for another draw of held-out pictures. It is one run.
#
# ## What counts, and who sees it?
#
# - **Core exercises** (at most six a unit) make up the grade, if you take the course for one. Those
#   under *Going further* show in your progress only.
# - Points belong to the parts of an exercise. A part that works earns its points even if another fails.
# - **Your progress stays on your computer**, in one file that is never sent anywhere. This cell shows
#   it, and so does the command `nncourse progress` in a terminal:

# %% tags=["figure"]
from grading.progress_view import show as show_progress

show_progress()

# %% [markdown]
# ## Where does the course lead?
#
# | unit | question | hours |
# |---|---|---|
# | 00 Start here | How do the notebooks work? | 0.75 |
# | 01 Backpropagation | How does every weight learn its share of the error? | 3 |
# | 02 Supervised learning | How do data become a trustworthy model? | 2.5 |
# | 03 Gradient flow | Why do gradients vanish or explode, and what helps? | 2.5 |
# | 04 The Hessian | What does curvature say about speed and stability? | 3 |
# | 05 Generalization and regularization | What keeps a model from learning by heart? | 3 |
# | 06 Cross-validation | How good is it really, and how sure are we? | 2.5 |
# | 07 Accelerated convergence | How do optimizers get there faster? | 3 |
# | 08 One algorithm, many architectures | Does it work for images, sequences, attention? | 3 |
# | 09 Pruning | How much of a network is needed? | 3 |
# | 10 From nnlib to PyTorch | How does all this look in a large framework? | 2.5 |
# | 11 Case study | Can we cure a real classifier on a GPU? | 4 |
#
# Units 00 to 05 are here; the others arrive beside them, one after the other, and never overwrite
# what you have written.
#
# ## Do I have it?
#
# Five questions, answered one at a time. They do not count.

# %% tags=["figure"] jupyter={"source_hidden": true}
from nnlib.widgets import Question, SelfCheck

SelfCheck(
    key="00",
    questions=[
        Question(
            "You changed a function, but the check still reports the old mistake. Why?",
            [
                "The cell with the function was not run again",
                "The check remembers old answers",
                "The notebook must be closed first",
            ],
            answer=0,
            because="What a cell defines stays until the cell runs again. Run it, then the check.",
        ),
        Question(
            "y = [2, 4] and targets = [0, 0]. What is the mean squared error?",
            ["3", "10", "20"],
            answer=1,
            because="(4 + 16) / 2 = 10. The 3 is the mean absolute error, the 20 the sum.",
        ),
        Question(
            "x has shape (8, 6) and W has shape (6, 3). What is the shape of x @ W?",
            ["(8, 3)", "(6, 6)", "(3, 8)"],
            answer=0,
            because="The inner sizes, 6 and 6, meet and vanish; the outer ones stay.",
        ),
        Question(
            "What shape does dW have in that layer, for a batch of 8 rows?",
            ["(8, 6, 3)", "(6, 3)", "(8, 3)"],
            answer=1,
            because="A gradient has the shape of what it belongs to, whatever the batch size.",
        ),
        Question(
            "Two of three parts of an exercise pass. What do you get?",
            [
                "Nothing until all pass",
                "The points of the two parts",
                "Two thirds of the points, whatever the parts are worth",
            ],
            answer=1,
            because="Each part has points of its own, and the report lists them.",
        ),
    ],
)

# %% [markdown]
# ## What we can do now
#
# - Run a notebook, predict before reading on, and use what a check says.
# - Measure how wrong predictions are with one number: $L = \text{mean}\,(y - t)^2$.
# - Name shapes before computing: inner sizes meet and vanish, and a gradient has the shape of what it
#   belongs to.
#
# Next: [01 Backpropagation](../01-backpropagation/01-backpropagation.ipynb), where the gradients that
# we have only given shapes so far are computed.
#
# ## Papers
#
# - A.-M. Legendre (1805), *Nouvelles méthodes pour la détermination des orbites des comètes*, Paris:
#   the appendix "Sur la méthode des moindres quarrés" introduces the sum of squares as a loss.
# - E. Alpaydin, C. Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine Learning
#   Repository, doi:10.24432/C50P49: the digits used here.
