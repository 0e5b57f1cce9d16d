/** Messages as numbers: words, a vocabulary, sequences of one length, and messages of a small grammar where there are no real ones. */
import { numpy as np, random } from 'cotangent';
import type { NDArray } from 'cotangent';

/** A message and whether it is spam. */
export interface Message {
  readonly text: string;
  readonly spam: boolean;
}

/**
 * The words of a message. What kinds of number there are says more than which: `<6digits>`; so do prices and capitals: a word in
 * capitals is followed by `<caps>`.
 */
export function wordsOf(text: string): string[] {
  const tokens = text.match(/£?\d[\d,.]*|https?:\S+|www\.\S+|[\p{L}']+|[!?£$*]/gu) ?? [];
  return tokens.flatMap((token) => {
    if (/^£\d/.test(token)) return ['<price>'];
    if (/^\d/.test(token)) return [`<${token.replace(/\D/g, '').length}digits>`];
    if (/^(https?:|www\.)/i.test(token)) return ['<link>'];
    const isShouted = token.length > 2 && token === token.toUpperCase() && token !== token.toLowerCase();
    return isShouted ? [token.toLowerCase(), '<caps>'] : [token.toLowerCase()];
  });
}

/** Numbers of words: 0 is no word, 1 a word that is not in the vocabulary. */
export type Vocabulary = ReadonlyMap<string, number>;
const UNKNOWN = 1;

/** The words that occur at least twice, the most frequent first, at most `size` numbers. */
export function vocabularyOf(messages: readonly Message[], size: number): Vocabulary {
  const counts = new Map<string, number>();
  for (const { text } of messages) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].filter(([, count]) => count > 1).sort((a, b) => b[1] - a[1]);
  return new Map(words.slice(0, size - 2).map(([word], i) => [word, i + 2]));
}

/** Messages as arrays: `tokens` int32 [count, length], 0 where a message has ended; `spam` float32 [count]. */
export interface Encoded {
  readonly tokens: NDArray;
  readonly spam: NDArray;
}

/** The first `length` words of each message by their numbers. */
export function encode(messages: readonly Message[], vocabulary: Vocabulary, length: number): Encoded {
  const tokens = new Int32Array(messages.length * length);
  messages.forEach(({ text }, i) => {
    const numbers = wordsOf(text).map((word) => vocabulary.get(word) ?? UNKNOWN);
    tokens.set(numbers.slice(0, length), i * length);
  });
  return {
    tokens: np.array(tokens).reshape(messages.length, length),
    spam: np.array(
      messages.map(({ spam }) => (spam ? 1 : 0)),
      { dtype: 'float32' },
    ),
  };
}

const HAM = [
  ['hey', 'ok', 'sorry', 'haha', 'yes', 'no'],
  [
    'i am at home',
    'see you at 6',
    'call me when you are free',
    'the call was free of charge',
    'are you coming',
    'i won the game',
  ],
  ['', 'love', 'now', 'later', 'tomorrow', 'please', 'with mum'],
];
const SPAM = [
  ['URGENT', 'congratulations', 'hey', 'FREE', 'winner'],
  ['you have won a prize', 'call 08001234567 now', 'claim your £500 voucher', 'txt WIN to 80082', 'the game is free'],
  ['', 'reply STOP to end', 'valid 12hrs', 'T&Cs apply', 'now!'],
];

/** `count` messages of a small grammar, one in five spam; the same words occur in both. */
export function writeMessages(count: number, seed: number): Message[] {
  const draws = random.uniform(random.key(seed), [count, 4]).dataSync();
  return Array.from({ length: count }, (_, i) => {
    const spam = (draws[4 * i] ?? 0) < 0.2;
    const parts = (spam ? SPAM : HAM).map(
      (list, p) => list[Math.floor((draws[4 * i + 1 + p] ?? 0) * list.length)] ?? '',
    );
    return { text: parts.join(' ').trim(), spam };
  });
}
