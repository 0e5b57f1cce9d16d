/** Letting the event loop turn: timers, signals and finalizers wait for it. */

/** A macrotask: what `setImmediate` is in Node, and a message in a page, where timers in a row are slowed down to 4 ms. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** A function that waits for the event loop to turn if it has not done so for `everyMs` milliseconds. */
export function breather(everyMs = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < everyMs) return;
    await turn();
    last = performance.now();
  };
}
