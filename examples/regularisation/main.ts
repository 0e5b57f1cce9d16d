/**
 * Regularisation, topic by topic: weight decay, sparsity, dropout, early stopping, batch normalisation, max-norm and noise. Each
 * file beside this one is one of them: it computes, asserts what the theory says, and gives its curves, which are drawn to
 * `out/regularisation.svg`.
 *
 *     npm run example regularisation            # all topics
 *     npm run example regularisation dropout    # one, by the beginning of its title
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { batchNorm } from './batch-norm.js';
import { dropout } from './dropout.js';
import { early } from './early-stopping.js';
import { maxNorm } from './max-norm.js';
import { noise } from './noise.js';
import { panelsSvg } from './picture.js';
import { sparsity } from './sparsity.js';
import { weightDecay } from './weight-decay.js';
import type { Panel } from './topic.js';

const TOPICS = {
  'weight-decay': weightDecay,
  sparsity,
  dropout,
  'early-stopping': early,
  'batch-normalisation': batchNorm,
  'max-norm': maxNorm,
  noise,
};

const [wanted = ''] = process.argv.slice(2);
const panels: Panel[] = [];
for (const [name, topic] of Object.entries(TOPICS)) {
  if (!name.startsWith(wanted)) continue;
  const found = await topic();
  console.log(`${found.title}\n${found.lines.map((line) => `  ${line}`).join('\n')}\n`);
  panels.push(...found.panels);
}

await mkdir('out', { recursive: true });
await writeFile('out/regularisation.svg', await panelsSvg(panels));
console.log(`Written to out/regularisation.svg: ${panels.length} curves.`);
