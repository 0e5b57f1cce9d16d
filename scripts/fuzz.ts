/**
 * `npm run fuzz [-- filters] [--rounds N] [--seed S]`: the tests that draw their cases, again and again, each round from the next seed.
 * Stops at the first round that fails and says how to repeat it.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: 'Infinity' }, seed: { type: 'string' } },
});
const rounds = Number(values.rounds);
const first = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed);
if (!(rounds >= 1) || !Number.isInteger(first)) throw new Error('--rounds takes a number from 1, --seed an integer');

for (let round = 0; round < rounds; round++) {
  const seed = first + round;
  console.log(`\n== round ${round + 1}, seed ${seed}`);
  const { status } = spawnSync('npx', ['vitest', 'run', ...positionals], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, COTANGENT_SEED: String(seed) },
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(`\nRepeat with: COTANGENT_SEED=${seed} npx vitest run ${positionals.join(' ')}`);
    process.exitCode = 1;
    break;
  }
}
