/**
 * fp-ts's `Either` and `TaskEither`, spelled out: values made here are theirs, so `pipe` and `E.match` take them, but
 * these types ask no package of a user who does not have fp-ts.
 */

/** A failure. */
export interface Left<E> {
  readonly _tag: 'Left';
  readonly left: E;
}

/** A success. */
export interface Right<A> {
  readonly _tag: 'Right';
  readonly right: A;
}

/** A failure `E` or a success `A`; the same type as `Either` of `fp-ts/Either`. */
export type Either<E, A> = Left<E> | Right<A>;

/** An asynchronous computation that fails with `E` or succeeds with `A`, and never rejects; `TaskEither` of fp-ts. */
export type TaskEither<E, A> = () => Promise<Either<E, A>>;
