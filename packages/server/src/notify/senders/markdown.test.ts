import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { markdownToHtml, safeHref } from './markdown.ts';

describe('Markdown in a mail', () => {
  it('becomes HTML', async () => {
    const html = await markdownToHtml('# Title\n\n**bold** and `a < b`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n');
    for (const part of ['<h1>Title</h1>', '<strong>bold</strong>', '<code>a &lt; b</code>', '<td>2</td>'])
      assert.ok(html.includes(part), part);
  });

  it('may hold HTML, which is shown as it is written', async () => {
    const hostile = [
      '<script>alert(1)</script>',
      'a <img src=x onerror=alert(1)> b',
      '<a href="javascript:alert(1)">x</a>',
      '**<b onclick="x()">bold</b>**',
      '<!-- <script> -->',
      '`<script>`',
      '    <script>indented</script>',
      '[<script>](https://example.com)',
      '# <svg/onload=alert(1)>',
      '&lt;script&gt;',
      '<style>body{background:url(https://example.com)}</style>',
    ];
    for (const text of hostile) {
      const html = await markdownToHtml(text);
      assert.doesNotMatch(html, /<(script|img|svg|style|b)\b|<!--|<[^>]*\son\w+=|<a href="javascript/i, text);
    }
  });

  it('has links to the web and to addresses only, and images as links', async () => {
    const web = await markdownToHtml(
      '[x](https://example.com/?a=1&b="2") ![a picture](https://example.com/p.png)',
    );
    assert.match(web, /<a href="https:\/\/example.com\/\?a=1&amp;b=%222%22">x<\/a>/);
    assert.match(web, /<a href="https:\/\/example.com\/p.png">a picture<\/a>/);
    for (const href of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      '&#106;avascript:alert(1)',
      'data:text/html,x',
      '/relative',
      'vbscript:x',
    ])
      assert.doesNotMatch(await markdownToHtml(`[x](${href}) ![x](${href})`), /href|src/, href);
    assert.equal(safeHref('mailto:a@example.com'), 'mailto:a@example.com');
  });
});
