import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { commandHere } from './support/command-here.ts';
import { root } from './support/platform.ts';

const pagesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return pagesBelow(path);
    return path.endsWith('.md') ? [path] : [];
  });

/** Each chain of words that names a command, such as `task log`, with the words that may follow it. */
const readCommands = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { out } = await commandHere(['completion', 'bash']);
  return new Map(
    [...out.matchAll(/^ {4}'([a-z -]*)'\) words='([^']*)'/gm)].map(([, chain = '', words = '']) => [
      chain,
      words.split(' '),
    ]),
  );
};

type Commands = Awaited<ReturnType<typeof readCommands>>;

/** What is wrong with a command as a page writes it, without the name of the program. */
const mistakeIn = (commands: Commands, text: string): string | undefined => {
  const words = text.split(/\s+/).map((word) => word.replace(/^[[(]+|[\])]+$/g, ''));
  let chain = '';
  while (words[0] !== undefined && commands.has(`${chain} ${words[0]}`.trim()))
    chain = `${chain} ${words.shift()}`.trim();
  const allowed = commands.get(chain) ?? [];
  const hasVerbs = chain !== 'worker' && allowed.some((word) => !word.startsWith('--'));
  if (hasVerbs && /^[a-z]/.test(words[0] ?? '')) return `"${text}": no command "${words[0]}"`;
  const wrong = words
    .flatMap((word) => word.match(/^--[a-z][a-z-]*/) ?? [])
    .find((option) => !['--help', '--version', ...allowed].includes(option));
  return wrong && `"${text}": no option ${wrong}`;
};

/** The commands in the blocks and the code of a page, without the name of the program. */
const commandsIn = (page: string): string[] => {
  const lines = [
    ...page
      .replaceAll(/^```sql\n[\s\S]*?^```/gm, '')
      .matchAll(/^(?:```\w*\n([\s\S]*?)^```|((?: {4}.*\n)+))/gm),
  ].flatMap(([, fenced, indented]) =>
    (fenced ?? indented ?? '').replaceAll(/\\\n|\n {10,}/g, ' ').split('\n'),
  );
  const spans = [...page.replaceAll(/^```\w*\n[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, span = '']) => span,
  );
  return [...lines, ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s(|&;=])(?:npx taskyard|(?:npx )?tyard) ([^|>&;#"'`)]+)/g)].map(
      ([, text = '']) => text.trim(),
    ),
  );
};

/** The commands in the tables of the page about commands: the first column, where options may have a span of their own. */
const commandsInTables = (page: string): string[] =>
  [...page.matchAll(/^\| (`[^|]*(?:\\\|[^|]*)*) \|/gm)].flatMap(([, cell = '']) => {
    let last = '';
    return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => {
      // `role list\|show`
      const [, group, verbs] = /^(\w+) (\w+(?:\\\|\w+)+)$/.exec(span) ?? [];
      if (group && verbs) return verbs.split('\\|').map((verb) => `${group} ${verb}`);
      if (!span.startsWith('--')) last = span;
      return span.startsWith('--') ? `${last} ${span}` : span;
    });
  });

describe('the commands that pages name', () => {
  it('exist, with their options', async () => {
    const commands = await readCommands();
    assert.ok(commands.size > 90, `${commands.size} commands`);
    const named = ['README.md', 'CONTRIBUTING.md', ...pagesBelow('docs')].flatMap((path) =>
      commandsIn(readFileSync(join(root, path), 'utf8')).map((text) => ({ path, text })),
    );
    assert.ok(named.length > 150, `${named.length} commands in pages`);
    const mistakes = named.flatMap(({ path, text }) => {
      const mistake = mistakeIn(commands, text);
      return mistake ? [`${path}: ${mistake}`] : [];
    });
    assert.deepEqual(mistakes, []);
    assert.deepEqual(
      ['task lgo x', 'task log x --folow', 'frob', 'run graph.yml --out x'].map(
        (text) => mistakeIn(commands, text) !== undefined,
      ),
      [true, true, true, true],
    );
  });

  it('are all in the page of commands', async () => {
    const commands = await readCommands();
    const page = readFileSync(join(root, 'docs/guides/command-line.md'), 'utf8');
    const written = [...commandsIn(page), ...commandsInTables(page)];
    assert.deepEqual(
      written.flatMap((text) => mistakeIn(commands, text) ?? []),
      [],
    );
    const isWritten = (chain: string): boolean =>
      [...written, page].some((text) => new RegExp(`(^|[\`\\s])${chain}\\b`).test(text));
    const chains = [...commands].filter(
      ([chain, words]) => !/^(admin|$)/.test(chain) && words.every((word) => word.startsWith('--')),
    );
    assert.deepEqual(
      chains.map(([chain]) => chain).filter((chain) => !isWritten(chain)),
      [],
    );
  });
});
