// Reads Markdown files into pages: where each lives, what it is called, and its text as HTML with links that lead on.
import { posix } from 'node:path';
import { Marked } from 'marked';

/** The folders of `docs` in the order of their reading, with the words that stand above them. */
export const sections = [
  ['concepts', 'Concepts'],
  ['guides', 'Guides'],
  ['operating', 'Operating'],
  ['reference', 'Reference'],
  ['contributing', 'Contributing'],
  ['decisions', 'Decisions'],
];

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const titleOf = (text) => /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? 'Untitled';

/** `docs/operating/start.md` → `operating/start.html`; what stands beside `docs` is moved into it. */
const fileOf = (path) => {
  const inside = path.startsWith('docs/') ? path.slice('docs/'.length) : path.toLowerCase();
  return inside.replace(/\.md$/, '.html');
};

/** Where a file is served: without `.html`, and a folder's README as the folder. */
const urlOf = (file) => `/docs/${file.replace(/\.html$/, '').replace(/(^|\/)README$/, '$1')}`;

/** As on the sites where these documents are read as files, so that links into a page hold in both places. */
const createSlugs = () => {
  const used = new Map();
  return (heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/<[^>]+>|[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  };
};

/** The address that a link of a page leads to here; undefined where that is no part of these pages. */
const addressOf = (href, { path, files }) => {
  if (/^[a-z]+:|^#|^\//.test(href)) return href;
  const [place = '', hash] = href.split('#');
  const target = posix.normalize(posix.join(posix.dirname(path), place)).replace(/\/$/, '');
  const found = [target, `${target}/README.md`].find((one) => files.has(one));
  if (found === undefined) return undefined;
  const address = found.endsWith('.md') ? urlOf(fileOf(found)) : `/docs/${found.slice('docs/'.length)}`;
  return hash ? `${address}#${hash}` : address;
};

const htmlOf = (text, place) => {
  const slugOf = createSlugs();
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        return `<h${depth} id="${escaped(slugOf(this.parser.parseInline(tokens, this.parser.textRenderer)))}">${html}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const html = this.parser.parseInline(tokens);
        const address = addressOf(href, place);
        return address === undefined ? html : `<a href="${escaped(address)}">${html}</a>`;
      },
      image({ href, text: words }) {
        return `<img src="${escaped(addressOf(href, place) ?? href)}" alt="${escaped(words)}" loading="lazy">`;
      },
      // What is wider than its column is scrolled by itself, also with the keyboard.
      code({ text: code }) {
        return `<pre tabindex="0"><code>${escaped(code)}\n</code></pre>\n`;
      },
      table(token) {
        const row = (cells, tag) =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
        const head = row(token.header, 'th').replaceAll('<th></th>', '<td></td>');
        const rows = token.rows.map((cells) => row(cells, 'td')).join('\n');
        return `<div class="table" tabindex="0"><table><thead>${head}</thead><tbody>${rows}</tbody></table></div>\n`;
      },
    },
  });
  return marked.parse(text);
};

/** A page for a folder that has none of its own: what it holds, with the first sentence of each. */
const listing = (folder, heading, texts) => {
  const lines = [...texts].flatMap(([path, text]) => {
    if (posix.dirname(path) !== `docs/${folder}` || !text) return [];
    const [, first = ''] = text.replace(/<!--.*?-->\s*/gs, '').split(/\n\n+/);
    const sentence = /^[A-Z`*]/.test(first)
      ? /^[^|]*?[.!?](?=\s|$)/s.exec(first)?.[0].replaceAll('\n', ' ')
      : undefined;
    return [`- [${titleOf(text)}](${posix.basename(path)})${sentence ? `: ${sentence}` : ''}`];
  });
  return `# ${heading}\n\n${lines.join('\n')}\n`;
};

/**
 * The pages of some files: [{ file, url, section, title, html }].
 *
 * @param texts by path from the root; false for what is no Markdown but may be linked to
 */
export const readPages = (texts) => {
  const all = new Map(texts);
  for (const [folder, heading] of sections) {
    const path = `docs/${folder}/README.md`;
    if (!all.has(path)) all.set(path, listing(folder, heading, texts));
  }
  const files = new Set(all.keys());
  return [...all]
    .filter(([, text]) => text !== false)
    .map(([path, text]) => ({
      file: fileOf(path),
      url: urlOf(fileOf(path)),
      section: path.startsWith('docs/') && posix.dirname(path) !== 'docs' ? path.split('/')[1] : '',
      title: titleOf(text),
      html: htmlOf(text, { path, files }),
    }));
};
