/**
 * The order in which a device does things. What needs no waiting is done at once; what comes after something that waits
 * for the device (a loop whose condition the host must read) waits behind it.
 */
export class Stream {
  #tail: Promise<void> | undefined;

  /** Do `task` after everything given before. */
  run(task: () => void | Promise<void>): void {
    if (this.#tail === undefined) {
      const result = task();
      if (result !== undefined) this.#follow(result);
    } else this.#follow(this.#tail.then(task));
  }

  #follow(result: Promise<void>): void {
    const tail = result.then(
      () => {
        if (this.#tail === tail) this.#tail = undefined;
      },
      () => {
        // Whoever gave the task has the error; what follows goes on.
        if (this.#tail === tail) this.#tail = undefined;
      },
    );
    this.#tail = tail;
  }

  /** Once everything given before is done. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
