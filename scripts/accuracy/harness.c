/*
 * Measures one expanded function. Compiled by scripts/accuracy.ts with -DOP=<name> and -DF32 or not, -DBINARY or not; the
 * function itself is in expanded.h. float32: all bit patterns, `stride` apart (one argument), or random pairs, against the C
 * library in double precision. float64: random arguments against libquadmath.
 * Prints: greatest error in ulps, where, the same in ulps of the cancelling terms for the gamma functions at negative
 * arguments, and the number of results of the wrong kind (NaN, infinity, sign of zero).
 */
#include <math.h>
#include <quadmath.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITCAST(from, F, to, T) \
  static inline T bitcast_##from##_##to(F x) { T r; memcpy(&r, &x, sizeof r); return r; }
BITCAST(float32, float, int32, int32_t)
BITCAST(int32, int32_t, float32, float)
BITCAST(float32, float, uint32, uint32_t)
BITCAST(uint32, uint32_t, float32, float)
BITCAST(int32, int32_t, uint32, uint32_t)
BITCAST(uint32, uint32_t, int32, int32_t)
BITCAST(float64, double, int64, int64_t)
BITCAST(int64, int64_t, float64, double)
static inline int32_t convert_float32_int32(float x) {
  return x != x ? 0 : x >= 0x1p31f ? INT32_MAX : x < -0x1p31f ? INT32_MIN : (int32_t)x;
}
static inline uint32_t convert_float32_uint32(float x) { return !(x > 0) ? 0 : x >= 0x1p32f ? UINT32_MAX : (uint32_t)x; }
#include "expanded.h"

typedef __float128 Q;
#define JOIN(a, b) a##b
#define JOIN2(a, b) JOIN(a, b)

#ifdef F32
typedef float T;
typedef uint32_t U;
typedef double R; /* type of the reference */
#define BITS 24
#define LEAST -149
#define FN(name) name
#define LOWER 1e38
#define PI_R M_PI
#define TERMS 30
#else
typedef double T;
typedef uint64_t U;
typedef Q R;
#define BITS 53
#define LEAST -1074
#define FN(name) name##q
#define LOWER 1e308
#define PI_R M_PIq
#define TERMS 80
#endif

static R ref_exp(R x) { return FN(exp)(x); }
static R ref_expm1(R x) { return FN(expm1)(x); }
static R ref_log(R x) { return FN(log)(x); }
static R ref_log1p(R x) { return FN(log1p)(x); }
static R ref_log2(R x) { return FN(log2)(x); }
static R ref_sin(R x) { return FN(sin)(x); }
static R ref_cos(R x) { return FN(cos)(x); }
static R ref_tan(R x) { return FN(tan)(x); }
static R ref_asin(R x) { return FN(asin)(x); }
static R ref_acos(R x) { return FN(acos)(x); }
static R ref_atan(R x) { return FN(atan)(x); }
static R ref_sinh(R x) { return FN(sinh)(x); }
static R ref_cosh(R x) { return FN(cosh)(x); }
static R ref_tanh(R x) { return FN(tanh)(x); }
static R ref_asinh(R x) { return FN(asinh)(x); }
static R ref_acosh(R x) { return FN(acosh)(x); }
static R ref_atanh(R x) { return FN(atanh)(x); }
static R ref_erf(R x) { return FN(erf)(x); }
static R ref_erfc(R x) { return FN(erfc)(x); }
static R ref_cbrt(R x) { return FN(cbrt)(x); }
static R ref_round(R x) { return FN(round)(x); }
static R ref_lgamma(R x) { return FN(lgamma)(x); }
static R ref_exp2(R x) { return FN(exp2)(x); }
static R ref_rsqrt(R x) { return 1 / FN(sqrt)(x); }
static R ref_logistic(R x) { return x < 0 ? FN(exp)(x) / (1 + FN(exp)(x)) : 1 / (1 + FN(exp)(-x)); }
static R ref_erfInv(R x) {
  R a = FN(fabs)(x);
  if (!(a <= 1)) return NAN;
  if (a == 1) return x * INFINITY;
  if (a == 0) return x;
  R w = -FN(log)((1 - a) * (1 + a));
  R y = w < 5 ? a * (R)0.886 * (1 + a * a * (R)0.26) : FN(sqrt)(w - FN(log)(w) / 2 - (R)0.57);
  for (int i = 0; i < 60; i++) {
    R f = a < 0.5 ? FN(erf)(y) - a : 1 - a - FN(erfc)(y);
    R step = f / (2 / FN(sqrt)(PI_R) * FN(exp)(-y * y)), halley = step / (1 + y * step);
    y -= halley;
    if (FN(fabs)(halley) < 1e-19 * y) break;
  }
  return FN(copysign)(y, x);
}
#define ref_erfInvGiles ref_erfInv
/* Recurrence up to TERMS, then the asymptotic series (Abramowitz and Stegun 6.3.18); reflection below zero. */
static R ref_digamma(R x) {
  if (isinf((double)x) && x > 0) return x;
  if (x != x || isinf((double)x) || (x <= 0 && FN(floor)(x) == x)) return NAN;
  R y = x, sum = 0;
  if (x < 0) {
    R a = -x, d = a - FN(rint)(a);
    sum = PI_R * FN(cos)(PI_R * d) / FN(sin)(PI_R * d);
    y = 1 + a;
  }
  while (y < TERMS) { sum -= 1 / y; y += 1; }
  R v = 1 / (y * y);
  static const double den[] = {12, 120, 252, 240, 132, 32760.0 / 691, 12};
  R series = 0;
  for (int k = 6; k >= 0; k--) series = v * (1 / (R)den[k] - series);
  return sum + FN(log)(y) - 1 / (2 * y) - series;
}
static R ref_pow(R x, R y) { return FN(pow)(x, y); }
static R ref_atan2(R x, R y) { return FN(atan2)(x, y); }
static R ref_fmod(R x, R y) { return fmod((double)x, (double)y); }
static R ref_nextafter(R x, R y) { return sizeof(T) == 4 ? nextafterf((float)x, (float)y) : nextafter((double)x, (double)y); }

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 2685821657736338717ull;
}
static T from_bits(U u) { T f; memcpy(&f, &u, sizeof f); return f; }
static U bits_of(T f) { U u; memcpy(&u, &f, sizeof u); return u; }
static double unit(void) { return (double)(next() >> 11) * 0x1p-53; }

static double worst, worst_scaled;
static T worst_x, worst_y;
static long wrong;

static void check(T x, T y, T got, R wanted, double scale) {
  T rounded = (T)wanted;
  if (!memcmp(&rounded, &got, sizeof got) || (isnan(rounded) && isnan(got))) return;
  int kind = isnan(rounded) != isnan(got) || (rounded == 0 && got == 0) || isinf((double)wanted) != isinf(got);
  if (kind && !isnan(rounded) && fabs((double)rounded) > LOWER && fabs((double)got) > LOWER) kind = 0; /* rounding to infinity */
  if (kind) {
    if (wrong++ < 3) fprintf(stderr, "wrong: (%a, %a) -> %a, expected %a\n", (double)x, (double)y, (double)got, (double)rounded);
    return;
  }
  if (isinf(got) && isinf(rounded)) return;
  int e;
  frexp(scale > 0 ? scale : (double)wanted, &e);
  int unit_exponent = e - BITS > LEAST ? e - BITS : LEAST;
  R value = isinf(got) ? FN(ldexp)(got > 0 ? 1 : -1, sizeof(T) == 4 ? 128 : 1024) : (R)got;
  double error = (double)FN(ldexp)(FN(fabs)(value - wanted), -unit_exponent);
  if (scale > 0) {
    if (error > worst_scaled) worst_scaled = error;
  } else if (error > worst) worst = error, worst_x = x, worst_y = y;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1;
  static const double special[] = {0, -0., 1, -1, 2, -2, 3, -3, .5, -.5, 1.5, -1.5, INFINITY, -INFINITY, NAN, 0x1p-149, -0x1p-149,
    0x1.fffffep127, -0x1.fffffep127, 0x1p-1074, -0x1p-1074, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023, 1e-40, -1e-310,
    0x1.fffffep-1, 0x1.000002p0, 0x1.fffffffffffffp-1, 0x1.0000000000001p0, 0x1p23, -0x1p24, 16777215, 0x1p52, 0x1p53,
    8388607.5, 4503599627370495.5, 0.49999999999999994, 709.78, -745.2, 1e22, 0x1p-126, 0x1p-1022};
  int n = sizeof special / sizeof *special;
#ifdef BINARY
#define RUN(x, y) do { T a_ = (T)(x), b_ = (T)(y); check(a_, b_, JOIN2(my_, OP)(a_, b_), JOIN2(ref_, OP)((R)a_, (R)b_), 0); } while (0)
  for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) RUN(special[i], special[j]);
  for (long i = 0; i < count; i++) {
    T x = from_bits((U)next()), y = from_bits((U)next());
    switch (i % 6) {
      case 1: x = (T)(0.5 + 1.5 * unit()); y = (T)((unit() - 0.5) * 300); break;
      case 2: x = (T)fabs((double)x); y = (T)((unit() - 0.5) * 10); break;
      case 3: x = (T)fabs((double)x); y = (T)((unit() - 0.5) * (sizeof(T) == 4 ? 280 : 2150) / log2((double)x)); break;
      case 4: x = (T)(unit() * 100); y = (T)((double)(next() % 41) / 4 - 5); break;
      case 5: { /* powers next to a power of two, where the ulp halves */
        y = (T)((double)(next() % 41) / 4 - 5);
        U u = bits_of((T)exp2(((double)(next() % 241) - 120) / (double)y));
        x = from_bits(u + (U)(next() % 33) - 16);
        break;
      }
    }
    RUN(x, y);
    if (i % 512 == 0) for (int k = 0; k < n; k++) { RUN(x, special[k]); RUN(special[k], y); }
  }
#else
#ifdef GAMMA /* below zero the error is measured against the two terms of the reflection formula, at least 1/2 */
#define SCALE(x, r) ((x) < 0 ? fmax(0.5, fabs((double)JOIN2(ref_, OP)(1 - (R)(x))) + fabs((double)(r) GAMMA (double)JOIN2(ref_, OP)(1 - (R)(x)))) : 0)
#else
#define SCALE(x, r) 0
#endif
#define RUN(x) do { T a_ = (T)(x); R r_ = JOIN2(ref_, OP)((R)a_); check(a_, 0, JOIN2(my_, OP)(a_), r_, SCALE(a_, r_)); } while (0)
  for (int i = 0; i < n; i++) RUN(special[i]);
#ifdef F32
  for (uint64_t u = 0; u < 1ull << 32; u += (uint64_t)count) RUN(from_bits((U)u));
#else
  for (long i = 0; i < count; i++) {
    uint64_t r = next();
    switch (i % 5) {
      case 0: RUN(from_bits(r)); break;
      case 1: RUN((unit() - 0.5) * 20); break;
      case 2: RUN((unit() - 0.5) * 2); break;
      case 3: RUN((unit() - 0.5) * 1500); break;
      case 4: RUN(from_bits((r & 0x800fffffffffffffull) | ((1023 - 30 + (r >> 52) % 60) << 52))); break;
    }
  }
#endif
#endif
  printf("%.3f %.9g %.9g %.3f %ld\n", worst, (double)worst_x, (double)worst_y, worst_scaled, wrong);
  return 0;
}
