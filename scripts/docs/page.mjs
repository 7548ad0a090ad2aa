// The frame around a document: the same on every page, without any script.
import { sections } from './pages.mjs';

const link = ({ url, title }, current) =>
  `<li><a href="${url}"${url === current.url ? ' aria-current="page"' : ''}>${title}</a></li>`;

const byTitle = (a, b) => (a.title < b.title ? -1 : 1);

const navigation = (current, pages) => {
  const groups = sections.map(([folder, heading]) => {
    const inside = pages.filter(({ section, url }) => section === folder && url !== `/docs/${folder}/`);
    const isOpen = current.section === folder ? ' open' : '';
    const links = inside.sort(byTitle).map((page) => link(page, current));
    return `<details${isOpen}><summary>${heading}</summary><ul>${links.join('')}</ul></details>`;
  });
  const others = pages.filter(({ section, url }) => section === '' && url !== '/docs/').sort(byTitle);
  return `${groups.join('\n')}\n<ul>${others.map((page) => link(page, current)).join('')}</ul>`;
};

/** A whole HTML document. */
export const pageOf = (page, pages) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} · Taskyard</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header>
<a class="name" href="/docs/">Taskyard documents</a>
<a href="/openapi.json">OpenAPI</a>
<a href="/">To the platform</a>
</header>
<div class="columns">
<nav aria-label="Documents">
${navigation(page, pages)}
</nav>
<main id="text">
${page.html}</main>
</div>
</body>
</html>
`;
