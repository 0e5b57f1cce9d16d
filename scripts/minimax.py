#!/usr/bin/env python3
"""Fits the polynomials of src/compiler/math: weighted minimax (Remez exchange) in mpmath at 60 digits.

    python3 scripts/minimax.py [name ...]      prints the coefficients of all fits or of those named

Each fit is g(t) ~ c0 + c1 t + ... on [lo, hi], minimising max |w(t) (g(t) - p(t))|; the weight turns the
error of g into the relative error of the function it is part of. Coefficients are rounded one by one, lowest power
first, to the target format, and the others fitted again, so that the rounding is made up for (Muller et al.,
"Handbook of Floating-Point Arithmetic", 2nd ed., section 10.3).
"""
import sys
from dataclasses import dataclass
from typing import Callable

import numpy as np
from mpmath import mp, mpf, matrix, lu_solve, cos, pi

mp.dps = 60
GRID = 600


@dataclass
class Fit:
    g: Callable
    w: Callable
    lo: mpf
    hi: mpf
    terms: dict  # format -> number of coefficients
    exact: tuple = ()  # leading coefficients that are prescribed


def round_to(fmt, c):
    return mpf(float(np.float32(float(c)))) if fmt == 'float32' else mpf(float(c))


def show(fmt, c):
    return str(np.float32(float(c))) if fmt == 'float32' else repr(float(c))


def remez(ts, gs, ws, powers, fixed):
    """Free coefficients for `powers`, given {power: value} already fixed, on the grid; also the error."""
    target = [g - sum(c * t**k for k, c in fixed.items()) for t, g in zip(ts, gs)]
    n = len(powers)
    if n == 0:
        return {}, max(abs(w * r) for w, r in zip(ws, target))
    basis = [[t**k for k in powers] for t in ts]
    ref = [round((len(ts) - 1) * (1 - float(cos(pi * i / n))) / 2) for i in range(n + 1)]
    best = None
    for _ in range(40):
        a, b = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(ref):
            for k in range(n):
                a[row, k] = basis[i][k] * ws[i]
            a[row, n] = (-1) ** row
            b[row] = target[i] * ws[i]
        x = lu_solve(a, b)
        err = [w * (r - sum(x[k] * phi[k] for k in range(n))) for w, r, phi in zip(ws, target, basis)]
        worst = max(abs(e) for e in err)
        if best is None or worst < best[1]:
            best = ({p: x[k] for k, p in enumerate(powers)}, worst)
        if worst <= abs(x[n]) * mpf('1.001'):
            break
        # One extremum per sign-constant stretch; keep the best n + 1 consecutive ones.
        peaks = [0]
        for i in range(1, len(err)):
            if err[i] * err[peaks[-1]] > 0:
                if abs(err[i]) > abs(err[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(err[peaks[0]]) < abs(err[peaks[-1]]) else -1)
        if len(peaks) < n + 1:
            break
        ref = peaks
    return best


def solve(name, fmt, fit):
    n = fit.terms[fmt]
    mid, rad = (fit.hi + fit.lo) / 2, (fit.hi - fit.lo) / 2
    ts = [mid - rad * cos(pi * (2 * i + 1) / (2 * GRID)) for i in range(GRID)]
    gs, ws = [fit.g(t) for t in ts], [fit.w(t) for t in ts]
    fixed = {}
    for k in range(n):
        if k < len(fit.exact):
            fixed[k] = mpf(fit.exact[k])
            continue
        free, err = remez(ts, gs, ws, list(range(k, n)), fixed)
        if k == len(fit.exact):
            ideal = err
        fixed[k] = round_to(fmt, free[k])
    error = lambda cs: max(abs(w * (g - sum(c * t**k for k, c in cs.items()))) for t, g, w in zip(ts, gs, ws))
    # Where the powers are far from orthogonal, rounding all at once can be the better choice.
    lead = {k: mpf(c) for k, c in enumerate(fit.exact)}
    free, _ = remez(ts, gs, ws, list(range(len(lead), n)), lead)
    first = (lead | free)[0]
    fixed = min(fixed, lead | {k: round_to(fmt, c) for k, c in free.items()}, key=error)
    final = error(fixed)
    print(f'{name} {fmt}: minimax error 2^{float(mp.log(ideal, 2)):.2f}, rounded 2^{float(mp.log(final, 2)):.2f}')
    print('  [' + ', '.join(show(fmt, fixed[k]) for k in range(n)) + ']')
    print(f'  constant before rounding: {mp.nstr(first, 30)}', flush=True)


def both(a, b):
    return {'float32': a, 'float64': b}


LN2 = mp.log(2)
E = lambda t: (mp.expm1(t) - t) / t**2
EVEN = lambda f: (lambda z: (f(mp.sqrt(z)) / mp.sqrt(z) - 1) / z)
EVENW = lambda f: (lambda z: z * mp.sqrt(z) / f(mp.sqrt(z)))
HALF_PI2 = (mp.pi / 2 * mpf('1.001')) ** 2
QUARTER_PI2 = (mp.pi / 4 * mpf('1.001')) ** 2


def erfcx_scaled(q):
    x = 4 * (1 + q) / (1 - q)
    return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)


DIGAMMA_ZERO = mp.findroot(mp.digamma, mpf('1.4616'))


def lgamma_ratio(t):
    return mp.loggamma(2 + t) / (t * (t + 1))


def stirling_rest(v):
    y = 1 / mp.sqrt(v)
    return (mp.loggamma(y) - (y - mpf('0.5')) * mp.log(y) + y - mp.log(2 * mp.pi) / 2) * y


def digamma_ratio(t):
    return mp.digamma(2 + t) / (2 + t - DIGAMMA_ZERO)


def digamma_rest(v):
    y = 1 / mp.sqrt(v)
    return (mp.log(y) - 1 / (2 * y) - mp.digamma(y)) * y * y


FITS = {
    # e^r = 1 + r + r^2 p(r), |r| <= ln 2 (the exponent is taken in steps of two)
    'exp': Fit(E, lambda t: t**2 / mp.exp(t), -LN2 * mpf('1.0005'), LN2 * mpf('1.0005'), both(7, 13), (0.5,)),
    # the same for |r| <= ln(2) / 2
    'expHalf': Fit(E, lambda t: t**2 / mp.exp(t), -LN2 / 2 * mpf('1.0005'), LN2 / 2 * mpf('1.0005'), {'float32': 4}),
    # e^r - 1 = r + r^2 p(r), |r| <= ln(2) / 2
    'expm1': Fit(E, lambda t: t**2 / mp.expm1(t), -LN2 / 2 * mpf('1.0005'), LN2 / 2 * mpf('1.0005'), both(6, 11), (0.5,)),
    # log(1 + f) = f - f^2/2 + f^3 p(f), sqrt(1/2) <= 1 + f < sqrt(2)
    'log': Fit(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, lambda f: f**3 / mp.log1p(f),
               mp.sqrt(mpf('0.5')) - 1, mp.sqrt(2) - 1, {'float32': 8}),
    # log((1 + s)/(1 - s)) = 2 s + s z p(z), z = s^2
    'logAtanh': Fit(lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z, lambda z: z / 2, mpf('1e-12'),
                    mpf('0.02945'), both(4, 7)),
    # log((1 + s)/(1 - s)) = 2 s + (2/3) s z + s z^2 p(z), for the two-word logarithm
    'logExtra': Fit(lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2 - 2 * z / 3) / z**2, lambda z: z**2 / 2,
                    mpf('1e-12'), mpf('0.02945'), both(4, 9)),
    # sin r = r + r z p(z), z = r^2, |r| <= pi/2
    'sin': Fit(EVEN(mp.sin), EVENW(mp.sin), mpf('1e-10'), HALF_PI2, both(4, 8)),
    # the same for |r| <= pi/4, and cos r = 1 - z/2 + z^2 p(z)
    'sinQuarter': Fit(EVEN(mp.sin), EVENW(mp.sin), mpf('1e-10'), QUARTER_PI2, both(3, 6)),
    'cosQuarter': Fit(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2, mpf('1e-10'), QUARTER_PI2,
                      both(3, 6)),
    # atan r = r + r z p(z), |r| <= tan(pi/8)
    'atan': Fit(EVEN(mp.atan), EVENW(mp.atan), mpf('1e-12'), (mp.sqrt(2) - 1) ** 2 * mpf('1.001'), both(5, 11)),
    # asin r = r + r z p(z), |r| <= 1/2
    'asin': Fit(EVEN(mp.asin), EVENW(mp.asin), mpf('1e-12'), mpf('0.25'), both(5, 12)),
    # sinh r = r + r z p(z), |r| <= 1
    'sinh': Fit(EVEN(mp.sinh), EVENW(mp.sinh), mpf('1e-12'), mpf(1), both(4, 7)),
    # erf x = x + x p(z), |x| <= 1
    'erf': Fit(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)), mpf('1e-12'),
               mpf(1), both(7, 12)),
    # erf x = 1 - p(x)^-8, 1 <= x <= 3.93 (the form of Abramowitz and Stegun, 7.1.28)
    'erfTail': Fit(lambda x: mp.erfc(x) ** (-mpf(1) / 8), lambda x: 8 * mp.erfc(x) ** (mpf(9) / 8), mpf(1), mpf('3.93'),
                   {'float32': 8}),
    # e^(x^2) erfc(x) (1 + 2 x) = p(q), q = (x - 4)/(x + 4), 0 <= x <= 10.1 or 27.3. erf.ts has the constant in two words.
    'erfc32': Fit(erfcx_scaled, lambda q: 1 / erfcx_scaled(q), mpf(-1), mpf('0.4327'), {'float32': 11}),
    'erfc64': Fit(erfcx_scaled, lambda q: 1 / erfcx_scaled(q), mpf(-1), mpf('0.7445'), {'float64': 24}),
    # log gamma(2 + t) = t (t + 1) p(t), |t| <= 1
    'lgamma': Fit(lgamma_ratio, lambda t: 1 / lgamma_ratio(t), mpf(-1), mpf(1), both(13, 27)),
    # log gamma(y) = (y - 1/2) log y - y + log(2 pi)/2 + p(1/y^2)/y, y >= 3
    'stirling': Fit(stirling_rest, lambda v: mp.sqrt(v) / mp.loggamma(1 / mp.sqrt(v)), mpf('1e-8'), mpf(1) / 9, both(4, 11)),
    # digamma(2 + t) = (2 + t - x0) p(t), |t| <= 1
    'digamma': Fit(digamma_ratio, lambda t: 1 / digamma_ratio(t), mpf(-1), mpf(1), both(14, 29)),
    # digamma(y) = log y - 1/(2 y) - p(1/y^2)/y^2, y >= 3
    'digammaTail': Fit(digamma_rest, lambda v: v / mp.digamma(1 / mp.sqrt(v)), mpf('1e-8'), mpf(1) / 9, both(4, 11)),
    # cbrt m = p(m) + ..., sqrt(1/2) <= m < sqrt(2): the start of Halley's iteration
    'cbrt': Fit(lambda m: mp.cbrt(m), lambda m: 1 / mp.cbrt(m), mp.sqrt(mpf('0.5')), mp.sqrt(2), both(3, 3)),
}

if __name__ == '__main__':
    for name, fit in FITS.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        for fmt in fit.terms:
            solve(name, fmt, fit)
