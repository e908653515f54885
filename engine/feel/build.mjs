// node engine/feel/build.mjs: npm's feelin and our files in js/ become engine/feel/bundle.js, one script for QuickJS.
// APPENDED are put behind feelin's own module; two lines of feelin that hide a wrong argument are replaced. The
// build fails when feelin's text no longer fits, so a new version of feelin cannot lose this in silence.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const APPENDED = ['arithmetic.js', 'functions.js', 'strict.js'];

const REPLACED = [
  ['if (!convertedArgs) {\n            return null;',
    'if (!convertedArgs) {\n            return wrongArguments(args, argDefinitions);'],
  ['if (!args.every(arg => tester(arg) !== FALSE)) {\n            return null;',
    "if (!args.every(arg => tester(arg) !== FALSE)) {\n            return wrongArguments(args, [type + '...']);"],
];

function strictFeelin(source) {
  for (const [old, replacement] of REPLACED) {
    if (source.split(old).length !== 2) {
      throw new Error(`feelin has changed; look again at: ${old}`);
    }
    source = source.replace(old, replacement);
  }
  return source + APPENDED.map(name => readFileSync(join(here, 'js', name), 'utf8')).join('');
}

await build({
  entryPoints: [join(here, 'js/main.js')],
  outfile: process.argv[2] ?? join(here, 'bundle.js'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  charset: 'utf8',
  logLevel: 'warning',
  plugins: [{
    name: 'strict-feelin',
    setup(esbuild) {
      esbuild.onLoad({ filter: /feelin[\\/]dist[\\/]index\.js$/ },
        ({ path }) => ({ contents: strictFeelin(readFileSync(path, 'utf8')), loader: 'js' }));
    },
  }],
});
