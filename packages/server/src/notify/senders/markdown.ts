/** Text as HTML shows it. */
export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** A link that may be in a mail; undefined when it is not a plain one. */
export const safeHref = (href: string): string | undefined => {
  // Links within the mail and relative ones lead nowhere in a mail.
  if (!URL.canParse(href)) return undefined;
  const url = new URL(href);
  return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : undefined;
};

/**
 * Markdown as HTML for a mail. HTML in the text is shown as it is written, links lead to the web or to an address, and
 * images are links: a mail must neither run anything nor tell anybody that it was read.
 */
export const markdownToHtml = async (markdown: string): Promise<string> => {
  const { Marked } = await import('marked');
  const marked = new Marked({ gfm: true, breaks: true });
  marked.use({
    renderer: {
      html: ({ text }) => escapeHtml(text),
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        const safe = safeHref(href);
        return safe === undefined ? inner : `<a href="${escapeHtml(safe)}">${inner}</a>`;
      },
      image: ({ href, text }) => {
        const safe = safeHref(href);
        const inner = escapeHtml(text || href);
        return safe === undefined ? inner : `<a href="${escapeHtml(safe)}">${inner}</a>`;
      },
    },
  });
  return marked.parse(markdown);
};
