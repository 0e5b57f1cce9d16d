/**
 * Measures the accuracy and the cost of the functions of src/compiler/math and writes docs/accuracy.md. The expansions are
 * printed as C and compiled with gcc, which must be there with libquadmath.
 *
 *     npx tsx scripts/accuracy.ts [--stride 7] [--count 400000] [op ...]
 *
 * `stride`: distance of the float32 arguments tried, in bit patterns (1: all of them); `count`: float64 arguments. With
 * names of operations only those are measured and nothing is written.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { expandMath } from '../src/compiler/math/expand.js';
import { binary, int, load, operandsOf, unary } from '../src/core/scalar.js';
import type { Expr, MathBinary, MathUnary } from '../src/core/scalar.js';
import { emitC } from './accuracy/emit-c.js';

const UNARY: readonly MathUnary[] = [
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'logistic',
  'erf',
  'erfc',
  'erfInv',
  'erfInvGiles',
  'lgamma',
  'digamma',
  'cbrt',
  'rsqrt',
  'round',
];
const BINARY: readonly MathBinary[] = ['pow', 'atan2', 'fmod', 'nextafter'];
// How the terms of the reflection formula are put together: |f(1 - x)| and |f(x) +- f(1 - x)|.
const GAMMA: Readonly<Record<string, string>> = { lgamma: '+', digamma: '-' };

type Float = 'float32' | 'float64';
interface Measured {
  readonly ulps: string;
  readonly at: string;
  readonly scaled: string;
  readonly wrong: number;
  readonly cost: number;
}

/** Operations other than constants, loads and reinterpretations of bits. */
function costOf(root: Expr): number {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    operandsOf(e).forEach(visit);
  };
  visit(root);
  return [...seen].filter(({ op }) => !['const', 'var', 'load', 'acc', 'bitcast'].includes(op)).length;
}

function measure(op: MathUnary | MathBinary, type: Float, stride: number, count: number, folder: string): Measured {
  const x = load(type, 0, int(0));
  const isBinary = (name: string): name is MathBinary => (BINARY as readonly string[]).includes(name);
  const e = expandMath(isBinary(op) ? binary(op, x, load(type, 1, int(0))) : unary(op, x));
  writeFileSync(join(folder, 'expanded.h'), emitC(`my_${op}`, e, type, isBinary(op)));
  const program = join(folder, 'harness');
  const gamma = GAMMA[op];
  execFileSync('gcc', [
    '-O3',
    '-march=native',
    '-ffp-contract=off',
    '-fno-trapping-math',
    '-fno-math-errno',
    '-w',
    `-DOP=${op}`,
    ...(type === 'float32' ? ['-DF32'] : []),
    ...(isBinary(op) ? ['-DBINARY'] : []),
    ...(gamma === undefined ? [] : [`-DGAMMA=${gamma}`]),
    `-I${folder}`,
    fileURLToPath(new URL('./accuracy/harness.c', import.meta.url)),
    '-o',
    program,
    '-lquadmath',
    '-lm',
  ]);
  const size = type === 'float32' ? (isBinary(op) ? 100 * count : stride) : count;
  const line = execFileSync(program, [String(size)], { encoding: 'utf8' });
  const [ulps = '', atX = '', atY = '', scaled = '', wrong = ''] = line.trim().split(' ');
  return { ulps, at: isBinary(op) ? `(${atX}, ${atY})` : atX, scaled, wrong: Number(wrong), cost: costOf(e) };
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function page(rows: readonly string[], stride: number, count: number): string {
  return `# Accuracy of the transcendental functions

Every backend computes the functions below with the same arithmetic: \`src/compiler/math\` expands them into additions,
multiplications, divisions, square roots, comparisons, selects and operations on bits. This table is written by
\`npx tsx scripts/accuracy.ts\`.

An ulp is the distance of two neighbouring numbers of the format at the exact result; a correctly rounded function has an
error of at most 0.5 ulp. float32: ${stride === 1 ? 'all 2^32 arguments' : `one in ${stride} of all 2^32 arguments`} (${100 * count} pairs for functions of two), the reference
in double precision. float64: ${count} arguments over all exponents and the usual ranges, the reference in quadruple
precision. "ops" counts the operations of the expansion without constants and reinterpretations of bits. Overflow, underflow
(gradual, nothing is flushed to zero), infinities, NaN and signed zeros are right everywhere they were tried, which is
part of the measurement.

${row(['function', 'float32: max ulp', 'at', 'ops', 'float64: max ulp', 'at', 'ops'])}
|---|---|---|---|---|---|---|
${rows.join('\n')}

- Promised, and held by tests on a sample: at most 4 ulp in float32 and 2 ulp in float64, but for what is said below.
- **lgamma, digamma** for x < 0 have zeros between the poles, next to which only the absolute error is small: there it is
  given in ulps of the sum of the sizes of the two terms of the reflection formula (at least of 1/2), as "reflected": these
  zeros are no floats, and 1 - x and pi x are rounded before anything else, so that no relative bound holds there without
  more than two words throughout. For x > 0 the zeros are taken out of the polynomials and the error is relative.
- **erfInv** in float32 is the polynomial of Giles with the logarithm of 1 - x^2 in two words; in float64, algorithm AS 241 and a
  step of Newton's method on the error function in two words. **erfInvGiles** is what XLA computes in float32, with the
  logarithm of the rounded 1 - x^2: \`random.normal\` and \`truncatedNormal\` are made of it, so that they agree with JAX.
- **sin, cos, tan** hold this accuracy for all arguments: beyond 6000 (float32; 2^22 for float64) x / pi is formed
  modulo 2 in fixed point (Payne and Hanek). About 100 (150) of their operations belong to that path, which is the first
  branch of selects with one condition: a backend may jump over it.
- **fmod, nextafter, round** are exact.
- The arithmetic assumes that operations are rounded one by one (no contraction to fused multiply-add, no reassociation)
  and that subnormal numbers are kept; a backend that cannot promise this needs its own measurement.
`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { stride: { type: 'string', default: '7' }, count: { type: 'string', default: '400000' } },
});
const stride = Number(values.stride);
const count = Number(values.count);
const folder = mkdtempSync(join(tmpdir(), 'accuracy-'));
const rows: string[] = [];
try {
  for (const op of [...UNARY, ...BINARY]) {
    if (positionals.length > 0 && !positionals.includes(op)) continue;
    const [single, double] = (['float32', 'float64'] as const).map((type) => measure(op, type, stride, count, folder));
    if (single === undefined || double === undefined) continue;
    if (single.wrong + double.wrong > 0)
      throw new Error(`${op}: ${single.wrong + double.wrong} results of the wrong kind`);
    const shown = ({ ulps, scaled }: Measured): string => (op in GAMMA ? `${ulps}; reflected ${scaled}` : ulps);
    const line = row([op, shown(single), single.at, single.cost, shown(double), double.at, double.cost]);
    console.log(line);
    rows.push(line);
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (positionals.length === 0) {
  writeFileSync(new URL('../docs/accuracy.md', import.meta.url), page(rows, stride, count));
}
