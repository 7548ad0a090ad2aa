import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Home } from './platform.ts';

/** A value of a metric, with the labels that tell it from others. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads Prometheus' text, and accepts nothing else: each metric once, its values right below its heading. */
const parse = (text: string): Sample[] => {
  assert.ok(text.endsWith('\n'));
  const seen = new Set<string>();
  let current = '';
  return text
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const heading = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
      if (heading?.[1] === 'HELP') {
        assert.ok(!seen.has(heading[2] ?? ''), `${heading[2]} is there twice`);
        current = heading[2] ?? '';
        seen.add(current);
      }
      if (heading) return [];
      const [, name = '', labels = '', value] =
        /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (-?[\d.e+-]+)$/.exec(line) ?? [];
      assert.ok(name.startsWith(current) && value !== undefined, line);
      const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
      return [
        { name, labels: Object.fromEntries(pairs.map(([, label, of]) => [label, of])), value: Number(value) },
      ];
    });
};

/** What a platform says of itself at `METRICS_PORT`. */
export const scrape = async ({ path }: Home): Promise<Sample[]> => {
  const { metricsUrl } = JSON.parse(await readFile(join(path, 'server.json'), 'utf8')) as {
    metricsUrl: string;
  };
  return scrapeAt(metricsUrl);
};

/** The same, where it is known already. */
export const scrapeAt = async (metricsUrl: string): Promise<Sample[]> => {
  const reply = await fetch(metricsUrl);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.equal((await fetch(new URL('/', metricsUrl))).status, 404);
  return parse(await reply.text());
};

/** The sum of the values with these labels. */
export const total = (
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
) =>
  samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
