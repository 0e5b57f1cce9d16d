/**
 * `npm run example NAME [options]`: runs `examples/NAME.ts` or `examples/NAME/main.ts` with the remaining arguments.
 * `--list` prints the names, `--all` runs each in turn and fails if one fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'examples');

function names(): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) =>
      entry.isDirectory() ? existsSync(join(folder, entry.name, 'main.ts')) : entry.name.endsWith('.ts'),
    )
    .map((entry) => entry.name.replace(/\.ts$/, ''))
    .sort();
}

/** The example's exit status. */
function run(name: string, options: readonly string[]): number {
  const file = [`${name}.ts`, `${name}/main.ts`].map((path) => join(folder, path)).find(existsSync);
  if (file === undefined) {
    console.error(`No example '${name}'. There are: ${names().join(', ')}`);
    return 1;
  }
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', file, ...options], {
    cwd: root,
    stdio: 'inherit',
  });
  return status ?? 1;
}

const [name = '--list', ...options] = process.argv.slice(2);
if (name === '--list') {
  console.log(names().join('\n'));
} else if (name === '--all') {
  const failed = names().filter((each) => {
    console.log(`\n== ${each}`);
    return run(each, options) !== 0;
  });
  console.log(failed.length === 0 ? `\nAll ${names().length} examples ran.` : `\nFailed: ${failed.join(', ')}`);
  if (failed.length > 0) process.exitCode = 1;
} else {
  process.exitCode = run(name, options);
}
