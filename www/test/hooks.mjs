// Resolves the extensionless imports of src/ and lets esbuild turn TypeScript into JavaScript.
import { transform } from 'esbuild';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const isFile = async (url) => (await stat(fileURLToPath(url)).catch(() => null))?.isFile() ?? false;

export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && context.parentURL) {
    for (const ending of ['.ts', '.tsx']) {
      const url = new URL(specifier + ending, context.parentURL);
      if (await isFile(url)) return { url: url.href, format: 'module', shortCircuit: true };
    }
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!/\.tsx?$/.test(url)) return next(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  const { code } = await transform(source, { loader: url.endsWith('x') ? 'tsx' : 'ts', jsx: 'automatic', jsxImportSource: 'preact', format: 'esm' });
  return { format: 'module', source: code, shortCircuit: true };
}
