// Builds dist/ from src/ and static/. `--check` compares instead of writing, `--test` builds and
// runs the tests.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { apiTypes, roles } from './types.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = join(here, 'dist');
// The largest sum of the compressed files.
const MOST_BYTES = 150_000;

const shared = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
};

// The files of dist/, by name.
async function files() {
  const built = await build({
    ...shared,
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx', style: 'src/style.css' },
    outdir: 'dist',
    minify: true,
    legalComments: 'none',
    write: false,
  });
  const made = built.outputFiles.map((file) => [
    file.path.split('/').at(-1),
    Buffer.from(file.contents),
  ]);
  const fixed = readdirSync(join(here, 'static')).map((name) => [
    name,
    readFileSync(join(here, 'static', name)),
  ]);
  const notice = ['notices.txt', readFileSync(join(here, 'node_modules/preact/LICENSE'))];
  return new Map([...made, ...fixed, notice].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function generated() {
  return new Map([
    ['src/api/types.ts', Buffer.from(apiTypes())],
    ['src/api/roles.ts', Buffer.from(roles())],
  ]);
}

function write(made) {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  for (const [name, content] of made) writeFileSync(join(dist, name), content);
}

// The differences between the files that lie there and what the sources yield.
function differences(made, sources) {
  const all = [...sources, ...[...made].map(([name, content]) => [`dist/${name}`, content])];
  const stale = all.filter(
    ([path, content]) =>
      !existsSync(join(here, path)) || !readFileSync(join(here, path)).equals(content),
  );
  const extra = existsSync(dist) ? readdirSync(dist).filter((name) => !made.has(name)) : [];
  return [...stale.map(([path]) => path), ...extra.map((name) => `dist/${name} (no source)`)];
}

function compressed(made) {
  return [...made.values()].reduce(
    (sum, content) => sum + gzipSync(content, { level: 9 }).length,
    0,
  );
}

async function test() {
  const out = mkdtempSync(join(tmpdir(), 'holdfast-console-'));
  const names = readdirSync(join(here, 'test')).filter((name) => /\.test\.tsx?$/.test(name));
  await build({
    ...shared,
    absWorkingDir: here,
    entryPoints: names.map((name) => join('test', name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    logLevel: 'warning',
  });
  const run = spawnSync(process.execPath, ['--test', out], { stdio: 'inherit' });
  rmSync(out, { recursive: true });
  process.exitCode = run.status ?? 1;
}

if (process.argv.includes('--test')) {
  await test();
} else {
  const sources = generated();
  const check = process.argv.includes('--check');
  if (!check) for (const [path, content] of sources) writeFileSync(join(here, path), content);
  const made = await files();
  if (!check) write(made);
  const errors = differences(made, sources).map(
    (path) => `${path} is stale: bash infra/local/console.sh build`,
  );
  const bytes = compressed(made);
  if (bytes > MOST_BYTES)
    errors.push(`dist has ${bytes} bytes compressed, more than ${MOST_BYTES}`);
  for (const error of errors) process.stderr.write(`error: ${error}\n`);
  process.stdout.write(`dist: ${made.size} files, ${bytes} bytes compressed\n`);
  process.exitCode = errors.length > 0 ? 1 : 0;
}
