"""What the names mean that a finding may have and that stand in no catalogue and no table of conventions.

A name with a * stands for all that are like it. Beside the meaning stands what to do about it.
"""

MEANINGS = {
    "loss-sign": "The whole loss has the wrong sign: to descend it is to move away from the data. Negate it, or, for "
    "an operation that is a value to ascend, declare sense = loss.",
    "nan-masked": "Where the model answers NaN the loss is a number all the same, as nan_to_num and a where that is "
    "too wide make it: training looks alive while nothing is learnt. Let NaN through, or raise.",
    "draws-its-own-noise": "Called twice with the same arguments, the function gives two results: it draws numbers of "
    "its own. Put it inside refimpl.replay, which makes its random calls return the case's draws.",
    "inexact": "The result is near the reference, to less than 10⁻³ of the size of its terms, but not to rounding: "
    "finite differences, single precision inside, an iteration stopped early, or a small term such as weight decay. "
    "Compute it exactly, or name it under expected_failures with its price.",
    "offset": "The gradient is right, and the value differs by something that the parameters do not touch, such as a "
    "constant that was left out: the minimiser is the same, and the value is not what its name says.",
    "unnamed": "It is wrong, and nothing that is known, a catalogued mistake or a convention, gives what it gives. "
    "The rows and the ratios of the values are what there is to go by; refimpl explain OPERATION/CASE shows inputs.",
    "gradient-wrong": "The value is right and the gradient is not: part of it is detached, or is computed in another "
    "way. Look for detach, stop_gradient, no_grad, .item() and create_graph.",
    "no-gradient-through-*": "The value is right, and no gradient arrives in this argument: it is detached on the way.",
    "argument-*-unused": "The result is the same to the last bit whatever this argument is: it is never used.",
    "argument-*-unused-in-part": "Part of this argument changes nothing where it should: some of it is never used.",
    "argument-*-moved": "A small number is added to this argument, or to 1 to multiply it: a likelihood that starts at "
    "a time ε, a level with an ε added, a network that is told 999/1000 of the time. The finding says which number. It "
    "is nearly right, with an error that goes with the number: leave it out, or expect it with its price.",
    "rows-coupled": "A row's result depends on the other rows, though rows are independent: a mean over all pairs, a "
    "normalisation over the batch, or (B, 1) and (B,) that have become (B, B).",
    "rows-crossed": "The rows of one argument have met every row of the others, and not each its own: the pairing is "
    "lost, as when (B, 1) and (B,) make (B, B).",
    "row-order": "The same rows in another order give other results: something goes by a row's place in the batch.",
    "batch-size-dependence": "The same rows twice over give something else: the number of rows is in the result.",
    "state-between-calls": "What a call gives depends on the calls before it: the function keeps something, or alters "
    "what it was given in place.",
    "one-of-the-results": "Of the several results that the function returns, some are right and some are wrong.",
    "single-precision-inside": "Somewhere on the way numbers are rounded to float32, though the result is float64: "
    "seven digits are left, and fewer where terms cancel.",
    "overflow": "Where the logit is large the loss is infinite, though it should be about the logit: log(1 + e^a) is "
    "taken as it is written, or a probability that has become 0 is. Compute it from the logit, with softplus or "
    "logsigmoid.",
    "finite-differences": "Derivatives are taken by finite differences, whose error goes with the step. Use automatic "
    "differentiation, or name it under expected_failures with that price.",
    "digits-lost": "The result jumps where it should move smoothly: a difference over too short a step, or large terms "
    "that cancel.",
    "changed-formula": "The right formula with one part changed, or two, gives what the function gives; the finding "
    "says which.",
    "exchanged-part": "The right formula with one of its parts put in the place of another gives what the function "
    "gives; the finding says which.",
    "jitter": "A small number is added where nothing should be, as to a variance before its root or its inverse; the "
    "finding says which number. It is an approximation whose error is large where that variance is small.",
    "epsilon-in-logarithm": "log(h + ε) stands for log h, of a probability h: where the classifier is surely wrong the "
    "loss is bounded by −log ε and has no gradient. Compute it from the logit, with softplus or logsigmoid.",
    "probability-clipped": "A probability is held above a small number before its logarithm is taken: where the "
    "classifier is surely wrong there is no gradient. Compute it from the logit, with softplus or logsigmoid.",
    "probability-confined": "A probability is held between a small number and one minus it before its logarithm is "
    "taken: where the classifier is sure, rightly or wrongly, there is no gradient. Compute it from the logit, with "
    "softplus or logsigmoid.",
    "logarithm-held": "A probability that is zero to rounding has the logarithm −100, or another number: so does "
    "torch's binary_cross_entropy. There is no gradient there. Take binary_cross_entropy_with_logits, or softplus.",
    "logit-clipped": "The logit is clipped: rows beyond have no gradient.",
    "label-smoothing": "The data has the label 1 − c in the place of 1, (1 − c) log h + c log(1 − h): another "
    "objective, of another minimiser, where h is 1 − c times what it should be. The finding says which c; expect it, "
    "if it is meant.",
    "penalty": "α (f(x)² + f(y)²) is added to the loss, to keep the log-density small: another objective, of another "
    "minimiser. The finding says which α; expect it, if it is meant.",
    "penalty-on-the-mean": "The same with the mean of f over the negatives, squared.",
    "huber": "The Huber loss, a square for small residuals and linear for large ones, stands for the square.",
    "output-clipped": "The output of a network is clipped where its tanh is meant.",
    "fitted-coefficients": "The result is a sum of the right terms with other coefficients, which the finding says.",
    "another-law": "The function draws its own numbers, and its results have another law than the reference: the test "
    "of two samples says so, with the chance of a false alarm that the evidence gives.",
    "sampler-not-affine": "With a linear score every right sampler is an affine map of its start and its draws, and "
    "this one is not: something is clipped, normalised or refused, or one row has a part in another.",
    "sampler-draws": "The sampler's draws enter in another order, with another sign, twice, or not at all.",
    "sampler-discretisation": "The sampler follows the right equation with another rule of steps: what differs goes "
    "away as the steps become short.",
    "sampler-law": "With a linear score the law of what the sampler returns can be read exactly, and is not the right "
    "one.",
    "sampler-step-length": "Every step of the sampler is too long or too short by a factor.",
    "sampler-drift": "The drift of the sampler's steps is wrong: its size, its sign, or its share of score and state.",
    "sampler-temperature": "The noise of the sampler's steps does not fit their drift: it samples at another "
    "temperature.",
    "sampler-time": "The sampler asks the score at another time, or noise level, than that of the step.",
}

# What is said of every changed call of the reference (changed_calls.py), before what was changed.
CHANGED_CALL = (
    "name of a finding: your result is that of the reference, called with something else in the place of an argument, "
    "or changed afterwards, or that of another operation. It is a description of the numbers, not of your code."
)

# What the name of a case says.
CASES = {
    "large": "Data, noise and networks are 8 times as large: what is clipped on the way, overflows or saturates shows.",
    "not-finite": "The model answers NaN. A right loss is NaN then, or an error; a number would hide that training has "
    "failed.",
    "gradient": "The row of its gradient alone: the value could be compared, and the gradient could not.",
}
CASE = (
    "Its name says its sizes: D dimensions, B rows, K slices, noise rows or negatives for each row, T steps, L levels; "
    "else which SDE or number it is about."
)

# What the kinds and the statuses of a report say.
WORDS = {
    "mistake": "kind of a finding: the result is wrong.",
    "convention": "kind of a finding: the result is right once it is declared, in conventions, what the code assumes.",
    "choice": "kind of a finding: another objective or another weighting, which is not wrong; declare it or expect it.",
    "approximation": "kind of a finding: right up to an error that has a price, which the evidence says.",
    "pass": "status of a case: value and gradient are the reference's, to rounding: up to 64 units.",
    "fail": "status of a case: the value or the gradient is not the reference's.",
    "error": "status of a case: there is nothing to compare: an exception, a wrong shape, or NaN where none should be.",
    "unsupported": "status of a case: the code refuses it with NotImplementedError, or has no gradient to compare.",
    "expected-failure": "status of a case: it fails, and expected_failures says so.",
    "unexpected-pass": "status of a case: it passes although expected_failures says that it fails: take it out there.",
    "signature": "row of an operation that could not be called: its arguments are not those of the reference.",
    "name": "row of a function whose name is nearly that of an operation, and which was not checked.",
    "unit": "distance of a result from the reference: the machine epsilon times the size of the terms that are summed.",
}
