// Builds what the browser needs from npm into webui/static/vendor/ (never committed): Tabler's css, htmx, the diagram
// viewer with our own drawing of tokens, one sprite with only the icons named in icons.txt, and the pictures of the home screen.
import { build } from 'esbuild';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { icons } from './icons.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, '..', 'static', 'vendor');
const modules = path.join(here, '..', '..', 'node_modules');
const find = createRequire(import.meta.url).resolve;

const from = (...parts) => path.join(modules, ...parts);

async function sprite() {
  const names = (await readFile(path.join(here, 'icons.txt'), 'utf8')).split(/\s+/).filter(Boolean);
  const symbols = await Promise.all(names.map(async name => {
    const svg = await readFile(from('@tabler', 'icons', 'icons', 'outline', `${name}.svg`), 'utf8');
    const inner = svg.replace(/<!--[\s\S]*?-->/g, '').replace(/^[\s\S]*?<svg[^>]*>/, '').replace(/<\/svg>\s*$/, '')
      .replace(/<path stroke="none"[^>]*\/>/, '').trim();
    // no stroke-width here: the style sheet sets it by size
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
  }));
  await writeFile(path.join(out, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>\n`);
}

async function diagram() {
  await build({
    entryPoints: [path.join(here, 'diagram.js')], outfile: path.join(out, 'diagram.js'),
    bundle: true, minify: true, format: 'iife', target: 'es2022', legalComments: 'linked', nodePaths: [modules], logLevel: 'warning',
  });
  const css = await Promise.all(['diagram-js.css', 'bpmn-js.css'].map(f => readFile(from('bpmn-js', 'dist', 'assets', f), 'utf8')));
  await writeFile(path.join(out, 'diagram.css'), css.join('\n'));
}

// the map is not shipped, so the browser should not ask for it
const withoutMap = async (source, name) =>
  writeFile(path.join(out, name), (await readFile(source, 'utf8')).replace(/\/\*# sourceMappingURL=.*?\*\//g, ''));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await Promise.all([
  withoutMap(from('@tabler', 'core', 'dist', 'css', 'tabler.min.css'), 'tabler.css'),
  copyFile(find('htmx.org/dist/htmx.min.js'), path.join(out, 'htmx.js')),
  sprite(),
  diagram(),
  icons(out),
]);
console.log('webui/static/vendor: built');
