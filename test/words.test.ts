import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { type Io, main } from '@taskyard/cli';
import { root } from './support/platform.ts';

// Pages are read by engineers who may not speak English at home: these words read like a translation.
const unwanted = /\b(whoever|by itself|by themselves|lies|stands?|anew|cancelled|cancelling)\b/i;
/** Besides, in pages for users: words of ours, and words that leave open who does what. */
const unwantedForUsers = new RegExp(
  `${unwanted.source}|\\b(house|floors?|nobody|anybody|so many|of late|is none|has to be)\\b|\\bsomebody\\b(?!@)`,
  'i',
);
/** Parts of the published interfaces, which spell them like that, and code. */
const allowed = /`[^`]*`|https?:\/\/\S+/g;

/** Pages whose readers know the code and its words, such as the floors of the server. */
const forDevelopers = /^(ARCHITECTURE|CONTRIBUTING)\.md$|^docs\/(contributing|decisions)\//;
/** The titles of tests are those of the tests. */
const quotedTitles = /^\| [STCWOL]\d+ \| `(test|packages)\/.*$/gm;

const pagesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return pagesBelow(path);
    return path.endsWith('.md') ? [path] : [];
  });

const findings = (name: string, text: string, words = unwantedForUsers): string[] =>
  text.split('\n').flatMap((line, at) => {
    const [word] = line.replace(allowed, '').match(words) ?? [];
    return word ? [`${name}:${at + 1}: "${word}" in: ${line.trim().slice(0, 100)}`] : [];
  });

/** What a command prints. */
const said = async (...words: string[]): Promise<string> => {
  let text = '';
  const stdout = new PassThrough().on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const io: Io = {
    stdout,
    stderr: new PassThrough().resume(),
    stdin: new PassThrough(),
    environment: { folder: '.taskyard' },
    onInterrupt: () => () => {},
    exit: () => {
      throw new Error('The process would have ended.');
    },
    setExitCode: () => {},
  };
  await main(['node', 'tyard', ...words], io);
  return text;
};

describe('words for users', () => {
  it('pages for users have none of the words that read like a translation', () => {
    const pages = ['README.md', ...pagesBelow('docs')].filter((page) => !forDevelopers.test(page));
    assert.ok(pages.length > 45, `${pages.length} pages`);
    for (const page of ['docs/operating/security.md', 'docs/reference/queue.md'])
      assert.ok(pages.includes(page), page);
    const texts = pages.map((page) => readFileSync(join(root, page), 'utf8').replaceAll(quotedTitles, ''));
    assert.deepEqual(
      texts.flatMap((text, at) => findings(pages[at] ?? '', text)),
      [],
    );
  });

  it('pages for developers have none of them but our own', () => {
    const pages = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...pagesBelow('docs')].filter((page) =>
      forDevelopers.test(page),
    );
    assert.ok(pages.length > 15, `${pages.length} pages`);
    assert.deepEqual(
      pages.flatMap((page) => findings(page, readFileSync(join(root, page), 'utf8'), unwanted)),
      [],
    );
  });

  it('help has none of them', async () => {
    const names = [...(await said('completion', 'bash')).matchAll(/^ {4}'([a-z ]+)'\) words=/gm)].map(
      ([, name = '']) => name,
    );
    assert.ok(names.length > 60, `${names.length} commands`);
    const texts = await Promise.all(names.map((name) => said(...name.split(' '), '--help')));
    assert.deepEqual(
      texts.flatMap((text, at) => findings(names[at] ?? '', text)),
      [],
    );
  });

  it('a word in code is no finding, and one in a sentence is', () => {
    assert.deepEqual(findings('p', 'The reply has `cancelledCount`.'), []);
    assert.equal(findings('p', 'Whoever reads it.\nIt lies there.\nNobody did.').length, 3);
    assert.equal(findings('p', 'A floor.\nIt lies there.', unwanted).length, 1);
    assert.deepEqual(findings('p', 'owner: somebody@example.com'), []);
  });
});
