/**
 * Matrix products that tiles do badly. One of a single row or column is a reduction of rows, a loop kernel. One of few results
 * and many terms is divided along the terms: partial products as a batch, and a loop kernel that adds them up and
 * does what comes after.
 */
import { addIndex, mulIndex } from '../../core/index-expr.js';
import { binary, constant, type Expr } from '../../core/scalar.js';
import type {
  Accumulator,
  ContractAxis,
  ContractKernel,
  ContractOperand,
  Loop,
  Stage,
  Store,
} from '../../compiler/loop-ir.js';
import { indexOf, lhsOf, resultStores, rhsOf, variableOf } from './contract-expr.js';
import { PieceMaker, type Pieces } from './pieces.js';
import { replacing } from './rewrite.js';
import { sizeOf } from './stage-kind.js';

/** Results of a tile, and tiles that keep a device busy. */
const TILE = 1024;
const TILES = 128;
/** Terms that are worth a tile of their own. */
const TERMS = 256;

const loopsOf = (axes: readonly ContractAxis[]): Loop[] => axes.map(({ id, extent }) => ({ id, extent }));

export function splitContract(kernel: ContractKernel): Pieces | undefined {
  const [batch, m, n, k] = [kernel.batch, kernel.m, kernel.n, kernel.k].map(sizeOf);
  if (batch === undefined || m === undefined || n === undefined || k === undefined) return undefined;
  if (batch * m * n * k === 0 || kernel.beside !== undefined) return undefined;
  if (m === 1 || n === 1) return asLoops(kernel);
  const wanted = Math.min(Math.ceil(TILES / Math.ceil((batch * m * n) / TILE)), Math.floor(k / TERMS));
  const [first] = kernel.k;
  if (wanted < 2 || first === undefined) return undefined;
  // Chunks are equal, for a product masks no terms.
  let chunks = Math.min(wanted, first.extent);
  while (first.extent % chunks !== 0) chunks--;
  return chunks < 2 ? undefined : inChunks(kernel, first, chunks);
}

const sumOf = ({ dtype }: ContractKernel, value: Expr): Accumulator => ({
  id: 0,
  dtype,
  init: constant(dtype, 0),
  update: { combine: dtype === 'bool' ? 'or' : 'add', value },
});

const storing = (stores: readonly Store[]): Stage => ({ loops: [], accumulators: [], stores, ordered: false });

function asLoops(kernel: ContractKernel): Pieces {
  const maker = new PieceMaker(kernel);
  const { batch, m, n, k, dtype } = kernel;
  const product = binary(dtype === 'bool' ? 'and' : 'mul', lhsOf(kernel), rhsOf(kernel));
  maker.loop(
    [...loopsOf(batch), ...loopsOf(m), ...loopsOf(n)],
    [
      { loops: loopsOf(k), accumulators: [sumOf(kernel, product)], stores: [], ordered: false },
      storing(resultStores(kernel)),
    ],
  );
  return maker.pieces;
}

function inChunks(kernel: ContractKernel, first: ContractAxis, chunks: number): Pieces {
  const maker = new PieceMaker(kernel);
  const { batch, m, n, k, dtype } = kernel;
  const results = [...batch, ...m, ...n];
  const size = first.extent / chunks;
  const fresh = 1 + Math.max(...[...results, ...k].map((axis) => axis.id));
  const count = sizeOf(results);
  const partial = maker.scratch(dtype, chunks * count);
  // Row-major, so that neighbouring results are neighbours.
  let stride = count;
  const dense = (axes: readonly ContractAxis[]): ContractAxis[] =>
    axes.map((axis) => {
      stride /= axis.extent;
      return { ...axis, outStride: stride };
    });
  const [denseBatch, denseM, denseN] = [dense(batch), dense(m), dense(n)];
  const chunk: ContractAxis = {
    id: fresh,
    extent: chunks,
    lhsStride: first.lhsStride * size,
    rhsStride: first.rhsStride * size,
    outStride: count,
  };
  const inner = { ...first, id: fresh + 1, extent: size };
  const position = addIndex(mulIndex(variableOf(chunk), size), variableOf(inner));
  const rewrite = replacing((e) => (e.op === 'var' && e.id === first.id ? position : undefined));
  const operand = (o: ContractOperand): ContractOperand => ('value' in o ? { value: rewrite(o.value) } : o);
  const { out: _, epilogue: __, ...rest } = kernel;
  maker.contract({
    ...rest,
    batch: [chunk, ...denseBatch],
    m: denseM,
    n: denseN,
    k: [inner, ...k.slice(1)],
    lhs: operand(kernel.lhs),
    rhs: operand(kernel.rhs),
    out: { buffer: partial.slot, offset: 0 },
  });
  const at: ContractAxis = { ...chunk, id: fresh + 2 };
  const value = partial.at(indexOf([at, ...denseBatch, ...denseM, ...denseN], 'outStride', 0));
  maker.loop(loopsOf(results), [
    { loops: loopsOf([at]), accumulators: [sumOf(kernel, value)], stores: [], ordered: false },
    storing(resultStores(kernel)),
  ]);
  return maker.pieces;
}
