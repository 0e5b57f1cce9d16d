/**
 * What the machine can do at most, as WebAssembly in this engine: the arithmetic peak of 128-bit multiplications and
 * additions, of fused ones where the engine has relaxed SIMD, and the bandwidth of a stream through memory and
 * through the cache. Every fraction in the tables is of these figures.
 */
import wabt from 'wabt';

export interface Limits {
  /** GFLOP/s of one thread: separate f32x4 multiplications and additions. */
  readonly mulAdd: number;
  /** GFLOP/s of one thread: relaxed fused multiply-add; null where the engine has none. */
  readonly fma: number | null;
  /** GB/s of one thread: d = a·b + c on arrays far larger than the cache, four streams counted. */
  readonly stream: number;
  /** GB/s of one thread: the same on arrays that stay in the second-level cache. */
  readonly cache: number;
}

/** Independent accumulators: more than latency times throughput, and no more than there are registers. */
const CHAINS = 10;
const FLOPS = CHAINS * 4 * 2;

const chains = (each: (i: number) => string): string => Array.from({ length: CHAINS }, (_, i) => each(i)).join('\n');

const peakModule = (step: (i: number) => string): string => `(module
  (func (export "run") (param $n i32) (result f32) (local $x v128) (local $y v128)
    ${chains((i) => `(local $a${String(i)} v128)`)}
    (local.set $x (f32x4.splat (f32.const 0.999)))
    (local.set $y (f32x4.splat (f32.const 0.001)))
    (loop $l
      ${chains(step)}
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    ${chains((i) => `(local.set $x (f32x4.add (local.get $x) (local.get $a${String(i)})))`)}
    (f32x4.extract_lane 0 (local.get $x))))`;

const mulAddModule = peakModule(
  (i) => `(local.set $a${String(i)} (f32x4.add (f32x4.mul (local.get $a${String(i)}) (local.get $x)) (local.get $y)))`,
);
const fmaModule = peakModule(
  (i) => `(local.set $a${String(i)} (f32x4.relaxed_madd (local.get $a${String(i)}) (local.get $x) (local.get $y)))`,
);

/** d = a·b + c over $bytes bytes of each, two vectors an iteration. */
const streamModule = (pages: number): string => {
  const load = (base: string, offset: number): string =>
    `(v128.load offset=${String(offset)} (i32.add (local.get ${base}) (local.get $i)))`;
  const one = (offset: number): string =>
    `(v128.store offset=${String(offset)} (i32.add (local.get $d) (local.get $i))
      (f32x4.add (f32x4.mul ${load('$a', offset)} ${load('$b', offset)}) ${load('$c', offset)}))`;
  return `(module (memory ${String(pages)})
  (func (export "run") (param $bytes i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $i i32)
    (local.set $b (local.get $bytes))
    (local.set $c (i32.add (local.get $b) (local.get $bytes)))
    (local.set $d (i32.add (local.get $c) (local.get $bytes)))
    (loop $l ${one(0)} ${one(16)} ${one(32)} ${one(48)}
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (local.get $bytes))))))`;
};

type Run = (n: number) => unknown;

async function compile(text: string): Promise<Run> {
  const { parseWat } = await wabt();
  const { buffer } = parseWat('probe.wat', text, { simd: true, relaxed_simd: true }).toBinary({});
  const { instance } = await WebAssembly.instantiate(new Uint8Array(buffer));
  const { run } = instance.exports;
  if (typeof run !== 'function') throw new Error('the probe exports no function');
  return run as Run;
}

/** Seconds of the fastest of some calls: what the machine can do, not what it does on average. */
function best(run: Run, n: number, calls: number): number {
  let least = Infinity;
  for (let i = 0; i < calls; i++) {
    const begin = performance.now();
    run(n);
    least = Math.min(least, performance.now() - begin);
  }
  return least / 1e3;
}

const peak = async (text: string): Promise<number> => {
  const [run, n] = [await compile(text), 1_000_000];
  return (n * FLOPS) / best(run, n, 40) / 1e9;
};

/** `repeat` runs over the same arrays are timed as one, because a clock is coarser than a pass over a cache. */
const bandwidth = async (bytes: number, repeat: number): Promise<number> => {
  const once = await compile(streamModule(Math.ceil((4 * bytes) / 65536)));
  const run = (n: number): void => {
    for (let i = 0; i < repeat; i++) once(n);
  };
  return (4 * bytes * repeat) / best(run, bytes, 15) / 1e9;
};

export async function measureLimits(): Promise<Limits> {
  return {
    mulAdd: await peak(mulAddModule),
    fma: await peak(fmaModule).catch(() => null),
    stream: await bandwidth(64 * 2 ** 20, 1),
    cache: await bandwidth(64 * 2 ** 10, 500),
  };
}
