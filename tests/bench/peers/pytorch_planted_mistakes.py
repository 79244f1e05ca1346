"""pytorch_planted_mistakes.py: the planted mistakes of planted_mistakes.c, given to PyTorch's gradcheck.

For each it prints a line: name, verdict of gradcheck with its defaults, verdict with fast_mode=True (of gradgradcheck, where
the mistake is one of the second derivative), and whether the message names the operation in which the mistake lies.
"right" is a row where nothing is wrong. Prints nothing and fails where PyTorch is not installed.
"""
import sys
import warnings

try:
    import torch
except ImportError:
    print("PyTorch is not installed", file=sys.stderr)
    sys.exit(1)

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
warnings.simplefilter("ignore")


def operation(name, forward, backward):
    """An autograd.Function of that name from two plain functions; backward(dy, y, *inputs) gives all gradients."""

    def run_forward(ctx, *inputs):
        y = forward(*inputs)
        ctx.save_for_backward(y, *inputs)
        return y

    def run_backward(ctx, dy):
        return backward(dy, *ctx.saved_tensors)

    members = {"forward": staticmethod(run_forward), "backward": staticmethod(run_backward)}
    return type(name, (torch.autograd.Function,), members).apply


def leaf(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).requires_grad_()


sign = operation("wrong_tanh", torch.tanh, lambda dy, y, x: -dy * (1 - y * y))
factor = operation("half_square", torch.square, lambda dy, y, x: dy * x)
small = operation("small_square", lambda x: 1e-7 * x * x, lambda dy, y, x: dy * 1e-6 * x)
summed = operation("sum_for_mean", torch.mean, lambda dy, y, x: dy.expand(x.shape))
transposed = operation(
    "wrong_matmul", torch.matmul, lambda dy, y, a, b: (b @ dy.T, a.T @ dy)
)
swapped = operation("swapped_mul", torch.mul, lambda dy, y, a, b: (dy * a, dy * b))
overwritten = operation("square_plus_3x", lambda x: x * x + 3 * x, lambda dy, y, x: 3 * dy)
branch = operation(
    "wrong_leaky_relu",
    lambda x: torch.where(x > 0, x, 0.01 * x),
    lambda dy, y, x: torch.where(x > 0, dy, torch.zeros_like(dy)),
)
bias = operation(
    "bias_first_row", lambda a, b: a + b, lambda dy, y, a, b: (dy, dy[0])
)
detached = operation(
    "detached_sigmoid", torch.sigmoid, lambda dy, y, x: dy * (y * (1 - y)).detach()
)


def one_entry(dy, y, x):
    gradient = 2 * dy * x
    gradient = gradient.clone()
    gradient[1234] = gradient[1234] * 1.01
    return gradient


entry = operation("entry_1234", torch.square, one_entry)
relu = operation("relu", torch.relu, lambda dy, y, x: dy * (x > 0))


def deep(x, w1, w2, w3):
    return sign(torch.relu(x @ w1) @ w2) @ w3


def noisy(x):
    return x * torch.rand(())


kink = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
large = leaf(4)

rows = [
    ("wrong sign", sign, (leaf(5),)),
    ("factor 1/2", factor, (leaf(5),)),
    ("5 times too big where it is small", small, (leaf(7),)),
    ("missing 1/m", summed, (leaf(40),)),
    ("transposed", transposed, (leaf(3, 3), leaf(3, 3))),
    ("gradient of the wrong input", swapped, (leaf(5), leaf(5))),
    ("overwritten, not accumulated", overwritten, (leaf(5),)),
    ("off at one branch", branch, (leaf(40),)),
    ("not summed over a broadcast axis", bias, (leaf(5, 3), leaf(3))),
    ("1% in one entry of 3000", entry, (leaf(3000),)),
    ("inside a network", deep, (leaf(6, 4), leaf(4, 5), leaf(5, 3), leaf(3, 1))),
    ("wrong second derivative only", detached, (leaf(5),)),
    ("not deterministic", noisy, (leaf(5),)),
    ("right: relu at its kink", relu, (kink,)),
    ("right: a small part of a large loss", lambda x: 1e9 + (x * x).sum(), (large,)),
]


def attempt(check, function, inputs, **options):
    try:
        return ("passes" if check(function, inputs, **options) else "fails"), ""
    except Exception as error:  # gradcheck raises RuntimeError subclasses, autograd others
        return "fails", str(error)


for name, function, inputs in rows:
    gradgrad = "second" in name
    check = torch.autograd.gradgradcheck if gradgrad else torch.autograd.gradcheck
    slow, message = attempt(check, function, inputs)
    fast, _ = attempt(check, function, inputs, fast_mode=True)
    operation_name = getattr(getattr(function, "__self__", None), "__name__", "wrong_tanh")
    named = "yes" if message and operation_name in message else "no"
    print(name, slow, fast, named, sep="\t")
    if "-v" in sys.argv:
        print("    " + message.replace("\n", "\n    "))
