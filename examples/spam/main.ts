/**
 * Spam detection with an LSTM: messages to words to numbers, padded to one length with a mask, embedded, read in both directions.
 *
 *     npm run example spam
 *     npm run example spam -- --data DIR   # with SMSSpamCollection.tsv (Almeida, Gómez Hidalgo, Yamakami, 2011)
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, losses, metrics, numpy as np, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { batches, readCsv } from 'cotangent/data';
import { checkFinite, minimize, progressBar, run, tap, trainWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { dataDirectory } from '../lib/data.js';
import { encode, vocabularyOf, writeMessages } from './messages.js';
import type { Encoded, Message } from './messages.js';

const [WORDS, LENGTH, SIZE, EPOCHS] = [4000, 48, 64, 4];

/** The messages of a directory, or written by a grammar; says which. */
async function load(): Promise<{ messages: readonly Message[]; real: boolean }> {
  const file = join(dataDirectory() ?? '', 'SMSSpamCollection.tsv');
  if (!existsSync(file)) {
    console.log('No --data: messages of a small grammar.\n');
    return { messages: writeMessages(2500, 0), real: false };
  }
  // Quotes are text in these messages; the first row names the columns.
  const { rows } = readCsv(await readFile(file), { delimiter: '\t', quote: false }, file);
  return { messages: rows.map(([label, text = '']) => ({ text, spam: label === 'spam' })), real: true };
}

const { messages, real } = await load();
const order = random.permutation(random.key(0), messages.length).dataSync();
const shuffled = Array.from(order, (i) => messages[i]).filter((m) => m !== undefined);
const at = Math.floor(0.8 * shuffled.length);
const [known, heldOut] = [shuffled.slice(0, at), shuffled.slice(at)];
// Of the words of the messages to train on alone: those held out are new.
const vocabulary = vocabularyOf(known, WORDS);
const [train, test] = [encode(known, vocabulary, LENGTH), encode(heldOut, vocabulary, LENGTH)];
console.log(`${known.length} messages to train on, ${heldOut.length} held out; ${vocabulary.size} words.\n`);

const net = stax.serial(
  stax.Embedding(WORDS, 32),
  stax.Dropout(0.3),
  stax.Bidirectional(stax.LSTM(32, { returnSequences: true })),
  stax.GlobalMaxPool,
  stax.Dropout(0.3),
  stax.Dense(1),
);
console.log(stax.summary(net, [-1, LENGTH]));
const [init, apply] = net;
const { params } = init(random.key(1), [-1, LENGTH]);

/** The logits of spam, [count]. Token 0 is no word. */
const logits = (p: typeof params, tokens: NDArray, context?: LossContext): NDArray =>
  apply(p, tokens, { ...context, mask: tokens.notEqual(0) }).reshape(-1);
const loss = (p: typeof params, { tokens, spam }: Encoded, context: LossContext): NDArray =>
  losses.sigmoidBinaryCrossEntropy(logits(p, tokens, context), spam);
const { start, step } = minimize(loss, optimizers.adam(3e-3));

const { state } = await pipe(
  batches(train, { size: SIZE, key: random.key(2), epochs: EPOCHS }),
  trainWith(step, start({ params, key: random.key(3) })),
  checkFinite(),
  tap(progressBar({ batchSize: SIZE, unit: 'messages' })),
  run,
);

const scores = jit(logits)(state.params, test.tokens);
const isSpam = test.spam.astype('int32');
const matrix = metrics.confusionMatrix(scores.greater(0).astype('int32'), isSpam, 2);
const accuracy = Number(metrics.accuracy(scores.greater(0), isSpam));
const recall = Number(metrics.recall(matrix));
console.log(`
                  taken for ham   for spam
  ham          ${String(Number(matrix.slice(0, 0))).padStart(16)} ${String(Number(matrix.slice(0, 1))).padStart(10)}
  spam         ${String(Number(matrix.slice(1, 0))).padStart(16)} ${String(Number(matrix.slice(1, 1))).padStart(10)}

Accuracy ${(100 * accuracy).toFixed(2)} %, spam recall ${(100 * recall).toFixed(1)} %, precision ${(100 * Number(metrics.precision(matrix))).toFixed(1)} %, area under the ROC ${Number(metrics.rocAuc(scores, isSpam)).toFixed(4)}.
`);

// Messages that nobody has sent.
const examples: Message[] = [
  { text: 'Are we still on for lunch tomorrow?', spam: false },
  { text: 'WINNER!! You have been selected for a £900 prize. Call 09061701461 now to claim', spam: true },
];
const answers = np.exp(jit(logits)(state.params, encode(examples, vocabulary, LENGTH).tokens));
examples.forEach(({ text }, i) => {
  const odds = Number(answers.slice(i));
  console.log(`  ${(100 * (odds / (1 + odds))).toFixed(1).padStart(5)} % spam: ${text}`);
});
assert.ok(accuracy >= 0.975, `accuracy ${accuracy}`);
assert.ok(recall >= 0.9, `recall ${recall}`);
if (real) assert.ok(Number(answers.slice(0)) < 1 && Number(answers.slice(1)) > 1);
