/** What a law is. */

/** Which transform, or part of the compiler, a law is about. */
export type LawKind = 'compile' | 'batch' | 'derivative';

/** A statement that holds for every seed. */
export interface Law {
  readonly name: string;
  readonly kind: LawKind;
  /** Throws {@link CheckError} when the law does not hold for the operands that this seed gives. */
  readonly run: (seed: number) => void;
}
