"""Derives the polynomial coefficients of core/vector_math_kernels.c and prints them as C hexadecimal constants.

Remez's exchange in 60 digits: the polynomial p of a given degree on [0 or a, b] that minimises the largest
relative error of the function in which it stands. Each coefficient is then rounded to the element type.
Run: python3 docs/vector_math_coefficients.py (needs mpmath)."""

import struct

import mpmath as mp

mp.mp.dps = 60
TINY = mp.mpf(10) ** -12  # keeps 0 / 0 out of the ends and middles of intervals


def remez(target, weight, low, high, degree):
    """The p that minimises max |weight(x) (p(x) - target(x))| on [low, high], and that maximum."""
    count = degree + 2
    nodes = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    for _ in range(12):
        rows = [[weight(x) * x**j for j in range(degree + 1)] + [(-1) ** i] for i, x in enumerate(nodes)]
        solved = mp.lu_solve(mp.matrix(rows), mp.matrix([weight(x) * target(x) for x in nodes]))
        coefficients, level = list(solved)[:-1], abs(solved[degree + 1])
        error = lambda x: weight(x) * (mp.polyval(coefficients[::-1], x) - target(x))
        # The next nodes: the extremum of the error in each stretch between its sign changes.
        grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / 600)) / 2 for i in range(601)]
        values = [error(x) for x in grid]
        nodes, best = [], None
        for x, value in zip(grid, values):
            if best is not None and value * best[1] < 0:
                nodes.append(best[0])
                best = None
            if best is None or abs(value) > abs(best[1]):
                best = (x, value)
        nodes.append(best[0])
        if len(nodes) != count:
            raise ArithmeticError("the error has %d extrema, not %d" % (len(nodes), count))
        if max(map(abs, values)) < level * mp.mpf("1.001"):
            break
    return coefficients, max(map(abs, values))


def literal(value, single):
    """The C constant nearest to value."""
    rounded = struct.unpack("f", struct.pack("f", float(value)))[0] if single else float(value)
    digits, exponent = rounded.hex().split("p")
    return digits.rstrip("0") + "p" + exponent + ("f" if single else "")


def show(title, single, target, weight, low, high, degree):
    coefficients, error = remez(target, weight, low, high, degree)
    print("%s, %s: relative error 2^%s" % (title, "f32" if single else "f64", mp.nstr(mp.log(error, 2), 4)))
    for power, value in enumerate(coefficients):
        print("    x^%-2d %s" % (power, literal(value, single)))


def split(name, value, bits, single):
    """value as high + low, the high part having so few bits that a small integer times it is exact."""
    scale = mp.mpf(2) ** (bits - 1 - mp.floor(mp.log(value, 2)))
    high = mp.floor(value * scale) / scale
    print("%s: %s + %s" % (name, literal(high, single), literal(value - high, single)))


def atanh_ratio(z):
    return 2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z)


# e^r = 1 + r + r^2 p(r). The error is taken relative to e^r - 1, so that tanh can use it too. Slightly more
# than log(2)/2: the rounding of x log2(e) may choose the farther of two integers when both are as near.
R = mp.log(2) / 2 * (1 + mp.mpf(2) ** -12)
for single, degree in ((True, 5), (False, 10)):
    show("exp", single, lambda r: (mp.expm1(r) - r) / r**2, lambda r: abs(r**2 / mp.expm1(r)), -R, R + TINY, degree)

# log(1 + f) = 2 atanh(s) = 2 s + s z p(z) with s = f / (2 + f), z = s^2, for 1 + f in [sqrt(1/2), sqrt(2)].
Z = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
for single, degree in ((True, 2), (False, 6)):
    show("log", single, lambda z: (atanh_ratio(z) - 2) / z, lambda z: z / atanh_ratio(z), TINY, Z, degree)

for single in (True, False):
    split("log(2)", mp.log(2), 15 if single else 41, single)
    print("log2(e): " + literal(1 / mp.log(2), single))
