/** Reading memory: what is asked for in the same turn is copied in one submission and waited for once. */
import type { Block } from './buffers.js';
import { MAP_READ, USAGE } from './flags.js';

/** Bytes that are read at once. */
const BATCH = 64 * 2 ** 20;
/** Staging buffers up to this size are kept, so many of them. */
const KEPT_BYTES = 2 ** 20;
const KEPT = 8;

interface Request {
  readonly block: Block;
  readonly offset: number;
  readonly bytes: number;
  readonly resolve: (bytes: ArrayBuffer) => void;
  readonly reject: (reason: unknown) => void;
}

export class Reader {
  #requests: Request[] = [];
  readonly #staging: GPUBuffer[] = [];
  /** Submissions so far, for tests. */
  submissions = 0;

  constructor(private readonly gpu: GPUDevice) {}

  /** Bytes of a block, after everything submitted before. */
  read(block: Block, offset: number, bytes: number): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      if (this.#requests.length === 0) {
        queueMicrotask(() => {
          this.#flush();
        });
      }
      this.#requests.push({ block, offset, bytes, resolve, reject });
    });
  }

  #flush(): void {
    let batch: Request[] = [];
    let total = 0;
    for (const request of this.#requests.splice(0)) {
      if (batch.length > 0 && total + request.bytes > BATCH) {
        void this.#submit(batch, total);
        [batch, total] = [[], 0];
      }
      batch.push(request);
      total += request.bytes;
    }
    void this.#submit(batch, total);
  }

  async #submit(requests: readonly Request[], total: number): Promise<void> {
    this.submissions += 1;
    try {
      const at = this.#staging.findIndex(({ size }) => size >= total);
      const [kept] = at >= 0 ? this.#staging.splice(at, 1) : [];
      const size = Math.max(256, total <= KEPT_BYTES ? 2 ** Math.ceil(Math.log2(total)) : total);
      const staging = kept ?? this.gpu.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget });
      const encoder = this.gpu.createCommandEncoder({ label: 'read' });
      let begin = 0;
      for (const { block, offset, bytes } of requests) {
        encoder.copyBufferToBuffer(block.buffer, offset, staging, begin, bytes);
        begin += bytes;
      }
      this.gpu.queue.submit([encoder.finish()]);
      await staging.mapAsync(MAP_READ, 0, total);
      const mapped = staging.getMappedRange(0, total);
      begin = 0;
      for (const { bytes, resolve } of requests) {
        resolve(mapped.slice(begin, begin + bytes));
        begin += bytes;
      }
      staging.unmap();
      if (staging.size <= KEPT_BYTES && this.#staging.length < KEPT) this.#staging.push(staging);
      else staging.destroy();
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
  }
}
