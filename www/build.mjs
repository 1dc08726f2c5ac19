// Builds the dashboard into dist/: every asset carries the hash of its content in its name, so that nginx may
// let browsers keep it for ever, and index.html names the ones of this build. The same sources give the same
// bytes. The last step holds the size budgets of the initial load; a build over them fails.
import { build } from 'esbuild';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = dirname(fileURLToPath(import.meta.url));
const out = join(root, 'dist');
const KB = 1024;
const budgets = { 'initial JavaScript': 30 * KB, 'initial CSS': 8 * KB, 'largest lazy chunk': 20 * KB, everything: 120 * KB };

const common = {
  absWorkingDir: root,
  outdir: out,
  bundle: true,
  minify: true,
  legalComments: 'none',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  publicPath: '/',
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  loader: { '.svg': 'file' },
  logLevel: 'warning',
  metafile: true,
};

// The client of the upload protocol carries what only old engines and Node need; browsers have all of it.
const browserOnly = { define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' } };

const outputs = (result) => Object.entries(result.metafile.outputs).map(([file, o]) => ({ file: relative(root, join(root, file)), ...o }));
const url = (file) => '/' + relative('dist', file);
const entry = (list, source) => list.find((o) => o.entryPoint === source);

/** The chunks that the entry imports statically, and theirs: the browser needs all of them before the first paint. */
function staticImports(list, start) {
  const seen = new Set();
  const queue = [start.file];
  while (queue.length > 0) {
    const next = queue.pop();
    const here = list.find((o) => o.file === next);
    for (const i of here.imports) {
      if (i.kind === 'import-statement' && !i.external && !seen.has(i.path)) {
        seen.add(i.path);
        queue.push(i.path);
      }
    }
  }
  return [...seen].sort();
}

async function zipped(file) {
  return gzipSync(await readFile(join(root, file)), { level: 9 }).length;
}

async function sizes(files) {
  let sum = 0;
  for (const f of files) sum += await zipped(f);
  return sum;
}

async function checkBudgets(initial, css, lazy, all) {
  const rest = [];
  for (const f of lazy) rest.push(await zipped(f));
  const found = {
    'initial JavaScript': await sizes(initial),
    'initial CSS': await sizes(css),
    'largest lazy chunk': Math.max(0, ...rest),
    everything: await sizes(all),
  };
  let over = false;
  for (const [name, bytes] of Object.entries(found)) {
    const limit = budgets[name];
    over ||= bytes > limit;
    console.log(`${name.padEnd(20)} ${(bytes / KB).toFixed(1).padStart(6)} KB of ${limit / KB} KB${bytes > limit ? '  OVER' : ''}`);
  }
  if (over) throw new Error('www: over the size budget');
}

async function main() {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });

  const app = await build({ ...common, ...browserOnly, entryPoints: ['src/main.tsx'], format: 'esm', splitting: true, jsx: 'automatic', jsxImportSource: 'preact' });
  const style = await build({ ...common, entryPoints: ['src/css/app.css'] });
  const theme = await build({ ...common, entryPoints: ['src/theme-boot.ts'], format: 'iife' });
  const favicon = await build({ ...common, entryPoints: ['public/favicon.svg'], loader: { '.svg': 'copy' } });

  const js = outputs(app);
  const start = entry(js, 'src/main.tsx');
  const preload = staticImports(js, start);
  const css = outputs(style).find((o) => o.file.endsWith('.css')).file;
  const boot = outputs(theme).find((o) => o.file.endsWith('.js')).file;
  const icon = outputs(favicon)[0].file;

  const html = (await readFile(join(root, 'index.html'), 'utf8'))
    .replace('{{favicon}}', url(icon))
    .replace('{{theme}}', url(boot))
    .replace('{{css}}', url(css))
    .replace('{{main}}', url(start.file))
    .replace('{{preload}}', preload.map((f) => `<link rel="modulepreload" href="${url(f)}">`).join('\n    '));
  await writeFile(join(out, 'index.html'), html);
  await cp(join(root, 'public/robots.txt'), join(out, 'robots.txt'));

  const initial = [start.file, boot, ...preload];
  const scripts = js.filter((o) => o.file.endsWith('.js')).map((o) => o.file);
  const every = (await readdir(join(out, 'assets'))).map((f) => join('dist/assets', f));
  // Beside every text its gzip, for nginx's gzip_static; zlib writes no time into the header, so builds stay equal.
  for (const f of [...every, 'dist/index.html']) {
    await writeFile(join(root, `${f}.gz`), gzipSync(await readFile(join(root, f)), { level: 9 }));
  }
  await checkBudgets(initial, [css], scripts.filter((f) => !initial.includes(f)), every);
}

await main();
