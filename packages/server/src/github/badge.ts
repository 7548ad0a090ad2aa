import type { BuildState } from './schema/index.ts';

const looks: Readonly<Record<BuildState | 'unknown', { readonly word: string; readonly color: string }>> = {
  pending: { word: 'pending', color: '#9a6700' },
  success: { word: 'passing', color: '#1a7f37' },
  failure: { word: 'failing', color: '#cf222e' },
  error: { word: 'error', color: '#cf222e' },
  cancelled: { word: 'canceled', color: '#57606a' },
  unknown: { word: 'no builds', color: '#57606a' },
};

const label = 'tasks';
const [labelWidth, height, characterWidth, padding] = [42, 20, 7, 10];

/** A badge for a page about a project: how its newest build stands. */
export const badgeOf = (state: BuildState | undefined): string => {
  const { word, color } = looks[state ?? 'unknown'];
  const wordWidth = word.length * characterWidth + padding;
  const width = labelWidth + wordWidth;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img" aria-label="${label}: ${word}">`,
    `<title>${label}: ${word}</title>`,
    `<rect width="${width}" height="${height}" rx="3" fill="#3d444d"/>`,
    `<path d="M${labelWidth} 0h${wordWidth - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-${wordWidth - 3}z" fill="${color}"/>`,
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">',
    `<text x="${labelWidth / 2}" y="14">${label}</text>`,
    `<text x="${labelWidth + wordWidth / 2}" y="14">${word}</text>`,
    '</g></svg>',
    '',
  ].join('\n');
};
