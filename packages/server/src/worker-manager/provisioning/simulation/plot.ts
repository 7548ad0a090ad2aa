import type { Outcome, Sight } from './outcome.ts';

const width = 860;
const left = 64;
const right = 844;
const stepsMax = 390;

/** One of the two diagrams, from above. */
interface Panel {
  readonly title: string;
  readonly top: number;
  readonly bottom: number;
  readonly lines: readonly Line[];
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly isArea?: boolean;
  readonly sights: readonly Sight[];
  readonly value: (sight: Sight) => number;
}

const colours = { original: '#c2571a', ours: '#1f6fb2', use: '#d9dde2' };

/** A diagram of both ways of provisioning: places that were paid for and used, and tasks that waited. */
export const plot = (title: string, { original, ours }: { original: Outcome; ours: Outcome }): string => {
  const lastsMs = Math.max(original.lastsMs, ours.lastsMs);
  const lines = (value: Line['value']): Line[] => [
    { name: 'original', colour: colours.original, sights: original.sights, value },
    { name: 'ours', colour: colours.ours, sights: ours.sights, value },
  ];
  const inUse: Line = {
    name: 'in use (ours)',
    colour: colours.use,
    isArea: true,
    sights: ours.sights,
    value: ({ claimed }) => claimed,
  };
  const panels: Panel[] = [
    { title: 'places', top: 60, bottom: 270, lines: [inUse, ...lines(({ capacity }) => capacity)] },
    { title: 'tasks that wait', top: 310, bottom: 430, lines: lines(({ pending }) => pending) },
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 466" font-family="sans-serif" font-size="12">`,
    `<title>Places and waiting tasks: ${escaped(title)}</title>`,
    `<rect width="${width}" height="466" fill="#fff"/>`,
    `<text x="${left}" y="22" font-size="15">${escaped(title)}</text>`,
    legend([inUse, ...lines(() => 0)]),
    ...panels.map((panel) => panelOf(panel, lastsMs)),
    hours(lastsMs),
    '</svg>\n',
  ].join('\n');
};

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const legend = (lines: readonly Line[]): string =>
  lines
    .map(({ name, colour }, i) => {
      const x = right - 330 + 120 * i;
      return `<rect x="${x}" y="13" width="12" height="10" fill="${colour}"/><text x="${x + 17}" y="22">${name}</text>`;
    })
    .join('');

const panelOf = ({ title, top, bottom, lines }: Panel, lastsMs: number): string => {
  const highest = Math.max(1, ...lines.flatMap(({ sights, value }) => sights.map(value)));
  const step = roundStep(highest / 4);
  const y = (value: number) => bottom - ((bottom - top) * value) / highest;
  const marks = Array.from({ length: Math.floor(highest / step) + 1 }, (_, i) => i * step).map(
    (value) =>
      `<path d="M${left} ${y(value).toFixed(1)}H${right}" stroke="#e6e8eb"/>` +
      `<text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end" fill="#555">${value.toLocaleString('en')}</text>`,
  );
  const drawn = lines.map((line) => {
    const d = pathOf(line, { x: (atMs) => left + ((right - left) * atMs) / lastsMs, y });
    if (line.isArea) return `<path d="${d}V${bottom}H${left}Z" fill="${line.colour}"/>`;
    return `<path d="${d}" fill="none" stroke="${line.colour}" stroke-width="1.4"/>`;
  });
  return [`<text x="${left}" y="${top - 10}" fill="#555">${title}</text>`, ...marks, ...drawn].join('\n');
};

/** The highest of each few sights: a short peak stays visible. */
const pathOf = (
  { sights, value }: Line,
  scale: { x: (atMs: number) => number; y: (value: number) => number },
): string => {
  const size = Math.max(1, Math.ceil(sights.length / stepsMax));
  const points: string[] = [];
  for (let i = 0; i < sights.length; i += size) {
    const few = sights.slice(i, i + size);
    const highest = Math.max(...few.map(value));
    points.push(`${scale.x(few[0]?.atMs ?? 0).toFixed(1)} ${scale.y(highest).toFixed(1)}`);
  }
  return `M${points.join('L')}`;
};

/** The next of 1, 2, 5, 10, 20, … */
const roundStep = (least: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? power;
};

const hours = (lastsMs: number): string => {
  const lasts = lastsMs / 3_600_000;
  const step = lasts > 72 ? 24 : lasts > 30 ? 6 : lasts > 12 ? 3 : Math.max(0.5, roundStep(lasts / 8));
  return Array.from({ length: Math.floor(lasts / step) + 1 }, (_, i) => i * step)
    .map((hour) => {
      const x = left + ((right - left) * hour) / lasts;
      return `<text x="${x.toFixed(1)}" y="450" text-anchor="middle" fill="#555">${hour} h</text>`;
    })
    .join('');
};
