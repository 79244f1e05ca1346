"""pytorch_workloads.py: the workloads of tests/bench/ in PyTorch, eager, with one and two threads.

Medians of single runs, in microseconds, under the names that the benches print; runs in which other programs
kept the threads waiting for a processor are left out where enough others remain; with one thread the clock is
the program's processor time. Prints one line and succeeds where PyTorch is not installed.
"""
import glob
import sys
import time

try:
    import torch
    from torch.nn import functional as F
except ImportError:
    print("PyTorch is not installed: nothing to compare with")
    sys.exit(0)

BUDGET, PATIENCE = 0.5, 2.0  # seconds for each workload and number of threads
TURN = 3e-4  # seconds
FEWEST, MOST = 7, 101


def waited():
    """Seconds for which threads of this program were ready and had no processor, as Linux counts them."""
    total = 0
    for path in glob.glob("/proc/self/task/*/schedstat"):
        try:
            with open(path) as file:
                total += int(file.read().split()[1])
        except OSError:
            pass
    return total * 1e-9


def turn(step, times):
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    before = clock()
    for _ in range(times):
        step()
    return clock() - before


def median_us(step):
    turn(step, 3)
    times = max(1, int(TURN / turn(step, 3) * 3))
    every, good, start = [], [], time.perf_counter()
    while len(every) < MOST:
        spent = time.perf_counter() - start
        enough = len(good) >= FEWEST or torch.get_num_threads() == 1
        if len(every) >= FEWEST and spent > (BUDGET if enough else PATIENCE):
            break
        waited_before, before = waited(), time.perf_counter()
        every.append(turn(step, times) / times)
        if waited() - waited_before <= 0.01 * (time.perf_counter() - before):
            good.append(every[-1])
    trusted = len(good) >= FEWEST or torch.get_num_threads() == 1
    kept = sorted(good if len(good) >= FEWEST else every)
    return kept[len(kept) // 2] * 1e6, trusted


def trainer(params, loss, optimizer):
    """A step that updates params in place: forward, backward, update, gradients dropped."""

    def step():
        loss().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for p in params:
        p.requires_grad_(True)
    return step


def expression():
    a, b, c = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (5.0, 3.0, 2.0))

    def step():
        (3 * (a + b * c)).backward()

    return step


def logistic(dtype, vector):
    """vector: matrix by vector, which PyTorch has a faster way for."""
    x = torch.rand(12288, 209, dtype=dtype)
    y = (torch.arange(209) % 3 == 0).to(dtype)
    w = torch.zeros(12288 if vector else (1, 12288), dtype=dtype)
    b = torch.zeros(1, dtype=dtype)
    if vector:
        transposed = x.t()
        loss = lambda: F.binary_cross_entropy_with_logits(torch.mv(transposed, w) + b, y)
    else:
        y = y.reshape(1, 209)
        loss = lambda: F.binary_cross_entropy_with_logits(w @ x + b, y)
    return trainer([w, b], loss, torch.optim.SGD([w, b], lr=0.005))


def small_network(dtype):
    x, y = torch.randn(2, 400, dtype=dtype), (torch.rand(1, 400) > 0.5).to(dtype)
    params = [torch.randn(4, 2, dtype=dtype), torch.zeros(4, 1, dtype=dtype)]
    params += [torch.randn(1, 4, dtype=dtype), torch.zeros(1, 1, dtype=dtype)]
    w1, b1, w2, b2 = params
    loss = lambda: F.binary_cross_entropy_with_logits(w2 @ torch.tanh(w1 @ x + b1) + b2, y)
    return trainer(params, loss, torch.optim.SGD(params, lr=0.1))


def perceptron(sizes, batch, activation, optimizer):
    x = torch.randn(batch, sizes[0])
    w = [torch.randn(n, m) / n**0.5 for n, m in zip(sizes, sizes[1:])]
    b = [torch.zeros(m) for m in sizes[1:]]
    binary = sizes[-1] == 1
    y = (torch.arange(batch) % 3 == 0).float().reshape(-1, 1) if binary else torch.arange(batch) * 7 % 10

    def loss():
        a = x
        for i in range(len(w)):
            a = torch.addmm(b[i], a, w[i])
            if i + 1 < len(w):
                a = activation(a)
        return F.binary_cross_entropy_with_logits(a, y) if binary else F.cross_entropy(a, y)

    return trainer(w + b, loss, optimizer(w + b))


def scalar_chain(operation):
    a = torch.tensor(1.0000001, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

    def step():
        x = b
        for _ in range(1000):
            x = operation(x, a)
        x.backward()

    return step


def elementwise(n):
    x = torch.linspace(-2, 2, n, requires_grad=True)
    return lambda: torch.autograd.grad(torch.tanh(torch.sigmoid(x) * x + x).mean(), x)


def matrices(n):
    a, b, d = (torch.rand(n, n, requires_grad=True) for _ in range(3))
    return lambda: torch.autograd.grad((a @ b @ d).mean(), (a, b, d))


def dot():
    x, y = torch.randn(1000000, dtype=torch.float64), torch.randn(1000000, dtype=torch.float64)
    return lambda: torch.dot(x, y).item()


WORKLOADS = [
    ("W1 J = 3 (a + b c)", expression, 1),
    ("W2 logistic regression, f32, matmul", lambda: logistic(torch.float32, False), 1),
    ("W2 logistic regression, f32, mv", lambda: logistic(torch.float32, True), 1),
    ("W2 logistic regression, f64, matmul", lambda: logistic(torch.float64, False), 1),
    ("W2 logistic regression, f64, mv", lambda: logistic(torch.float64, True), 1),
    ("W3 2-4-1, f32", lambda: small_network(torch.float32), 1),
    ("W3 2-4-1, f64", lambda: small_network(torch.float64), 1),
    ("W4 400-25-15-1",
     lambda: perceptron([400, 25, 15, 1], 1000, torch.sigmoid, lambda p: torch.optim.SGD(p, lr=0.1)), 1),
    ("W5a 784-128-10, SGD",
     lambda: perceptron([784, 128, 10], 64, torch.relu, lambda p: torch.optim.SGD(p, lr=0.01)), 1),
    ("W5b 784-512-512-10, Adam",
     lambda: perceptron([784, 512, 512, 10], 128, torch.relu, lambda p: torch.optim.Adam(p, fused=True)), 1),
    ("W6 chain of additions, an operation", lambda: scalar_chain(lambda x, a: x + a), 1000),
    ("W6 chain of multiplications, an operation", lambda: scalar_chain(lambda x, a: x * a), 1000),
    ("W6 chain of sigmoids, an operation", lambda: scalar_chain(lambda x, a: torch.sigmoid(x)), 1000),
    ("W7 elementwise chain, 1000", lambda: elementwise(1000), 1),
    ("W7 elementwise chain, 100000", lambda: elementwise(100000), 1),
    ("W7 elementwise chain, 10000000", lambda: elementwise(10000000), 1),
    ("W8 matrices, 64", lambda: matrices(64), 1),
    ("W8 matrices, 256", lambda: matrices(256), 1),
    ("W8 matrices, 1024", lambda: matrices(1024), 1),
    ("W9 dot product", dot, 1),
]

print(f"PyTorch {torch.__version__}, eager, us (?: other programs were running): one thread, two threads")
for name, make, units in WORKLOADS:
    line = f"  {name:46}"
    for threads in 1, 2:
        torch.set_num_threads(threads)
        us, trusted = median_us(make())
        line += f"{us / units:12.2f}{' ' if trusted else '?'}"
    print(line, flush=True)
