/** Which scalar operations the backend prints; the others are expanded into these beforehand. */
import type { BasicBinary, BasicUnary, BinaryOp, UnaryOp } from '../../core/scalar.js';

const UNARY: ReadonlySet<string> = new Set<BasicUnary>([
  'neg',
  'abs',
  'sqrt',
  'floor',
  'ceil',
  'trunc',
  'rint',
  'not',
  'popcount',
  'clz',
]);
const BINARY: ReadonlySet<string> = new Set<BasicBinary>([
  'add',
  'sub',
  'mul',
  'div',
  'rem',
  'min',
  'max',
  'and',
  'or',
  'xor',
  'shl',
  'shrLogical',
  'shrArithmetic',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
]);

const isBasicUnary = (op: UnaryOp): op is BasicUnary => UNARY.has(op);
const isBasicBinary = (op: BinaryOp): op is BasicBinary => BINARY.has(op);

export function asBasicUnary(op: UnaryOp): BasicUnary {
  if (isBasicUnary(op)) return op;
  throw new Error(`internal: math function '${op}' was not expanded before code generation`);
}

export function asBasicBinary(op: BinaryOp): BasicBinary {
  if (isBasicBinary(op)) return op;
  throw new Error(`internal: math function '${op}' was not expanded before code generation`);
}
