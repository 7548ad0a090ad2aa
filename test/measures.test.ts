import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOver, type Measure, measuresOf, report } from './measures/all.ts';
import { instrumented } from './measures/entries.ts';
import { withSources } from './measures/sources.ts';

const src = 'packages/server/src';

/** What the measures count in some files, by name of the measure. */
const countedIn = (files: Readonly<Record<string, string>>): Map<string, Measure> => {
  const planted = Object.entries(files).map(([path, text]) => ({ path, text }));
  return new Map(withSources(planted, measuresOf).map((measure) => [measure.name, measure]));
};

const counted = (name: string, files: Readonly<Record<string, string>>): readonly string[] => {
  const measure = countedIn(files).get(name);
  assert.ok(measure, name);
  return measure.counted;
};

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `  go(${i});`).join('\n');

describe('the measures', () => {
  it('find a long function, by its lines of code', () => {
    const measure = (text: string) => counted('functions over 60 lines', { [`${src}/queue/a.ts`]: text });
    const place = `${src}/queue/a.ts:1: f has 61 lines`;
    assert.deepEqual(measure(`const f = () => {\n${lines(59)}\n};`), [place]);
    assert.deepEqual(measure(`function f() {\n${lines(59)}\n}`), [place]);
    assert.deepEqual(measure(`const f = () => {\n${lines(58)}\n\n  // A comment.\n};`), []);
    assert.deepEqual(measure(`class A {\n  f() {\n${lines(59)}\n  }\n}`), [
      `${src}/queue/a.ts:2: f has 61 lines`,
    ]);
    const test = `it('is long', () => {\n${lines(59)}\n});`;
    assert.equal(measure(`describe('d', () => {\n${test}\n});`).length, 1);
    const short = `it('is short', () => {\n${lines(40)}\n});`;
    assert.deepEqual(measure(`describe('d', () => {\n${short}\n${short}\n});`), []);
  });

  it('leave markup out of the lines of a function', () => {
    const markup = Array.from({ length: 80 }, () => '<p>text</p>').join('\n');
    const page = `const Page = () => {\n  return (\n<div>\n${markup}\n</div>\n  );\n};`;
    assert.deepEqual(counted('functions over 60 lines', { 'packages/ui/src/page.tsx': page }), []);
  });

  it('find upward imports and circles inside a domain', () => {
    const measure = (files: Readonly<Record<string, string>>) =>
      counted('upward imports inside a domain', files);
    const service = { [`${src}/queue/service/read.ts`]: 'export const read = 1;' };
    assert.deepEqual(
      measure({ ...service, [`${src}/queue/store.ts`]: "import { read } from './service/read.ts';\nread;" }),
      [`${src}/queue/store.ts imports ${src}/queue/service/read.ts`],
    );
    assert.deepEqual(
      measure({ ...service, [`${src}/queue/routes.ts`]: "import { read } from './service/read.ts';\nread;" }),
      [],
    );
    const circle = {
      [`${src}/queue/one.ts`]: "import type { B } from './two.ts';\nexport type A = B;",
      [`${src}/queue/two.ts`]: "import type { A } from './one.ts';\nexport type B = A;",
    };
    assert.equal(measure(circle).length, 2);
  });

  it('count the files beside the floors, without tests', () => {
    const files = { [`${src}/a.ts`]: '', [`${src}/a.test.ts`]: '', [`${src}/queue/b.ts`]: '' };
    assert.deepEqual(counted('files beside the floors', files), [`${src}/a.ts`]);
  });

  it('find what a door exports though no file takes it', () => {
    const door = 'export const one = 1;\nexport type Two = 2;\nexport { three } from "./three.ts";';
    const measure = (taker: string) =>
      counted('names exported by doors and unused', {
        [`${src}/queue/index.ts`]: door,
        [`${src}/index/a.ts`]: taker,
      });
    assert.deepEqual(measure("import { one, type Two, three } from '../queue/index.ts';\none; three;"), []);
    assert.deepEqual(measure("import { one as first } from '../queue/index.ts';\nfirst;"), [
      'queue exports Two',
      'queue exports three',
    ]);
    assert.deepEqual(measure("import * as queue from '../queue/index.ts';\nqueue.three;"), [
      'queue exports one',
      'queue exports Two',
    ]);
    assert.deepEqual(measure("export { one, three } from '../queue/index.ts';"), ['queue exports Two']);
  });

  it('tell kinds of verbs apart', () => {
    const kinds = (service: string, routes: string) =>
      countedIn({ [`${src}/queue/service.ts`]: service, [`${src}/queue/routes.ts`]: routes }).get(
        'kinds of verbs',
      )?.counted;
    const handler = 'const call = (services) => services.queue.read.one(1);';
    assert.deepEqual(kinds('export const verbs = (context) => bindVerbs(context, { read });', handler), [
      'queue: bound',
    ]);
    assert.deepEqual(
      kinds('export const verbs = (context) => ({ read: () => 1, write: () => 2 });', handler),
      ['queue (verbs): closures'],
    );
    assert.deepEqual(
      kinds('export const read = (context) => 1;', "import { read } from './service.ts';\nread(queue, 1);"),
      ['queue: functions that routes call past any binding'],
    );
    assert.deepEqual(
      kinds('export const pure = (text) => text;', "import { pure } from './service.ts';\npure(body);"),
      [],
    );
  });

  it('tell words for needs apart', () => {
    const words = countedIn({
      [`${src}/queue/context.ts`]: 'export interface Context extends BaseContext {}',
      [`${src}/index/room.ts`]: 'export interface Room {}',
      [`${src}/hooks/a.ts`]: "interface HooksGiven extends Pick<BaseContext, 'db'> {}",
      [`${src}/hooks/b.ts`]: 'interface Other {}',
    }).get("words for a domain's needs");
    assert.equal(words?.value, 3);
  });

  it('find places that begin a transaction by themselves', () => {
    const files = {
      [`${src}/base/batch.ts`]: 'context.db.transaction((tx) => run(tx));',
      [`${src}/queue/service.ts`]: '\ndb.transaction(run);',
      [`${src}/queue/service.test.ts`]: 'db.transaction(run);',
    };
    assert.deepEqual(counted('places that repeat a transaction', files), [
      `${src}/base/batch.ts:1`,
      `${src}/queue/service.ts:2`,
    ]);
  });

  it('find implementations that the suite of their interface does not test', () => {
    const importing = "import type { Sender } from './sender.ts';\n";
    const files = {
      [`${src}/notify/senders/sender.ts`]: 'export interface Sender { send(): Promise<void> }',
      [`${src}/notify/senders/email.ts`]: `${importing}export const email = (): Sender => make();`,
      [`${src}/notify/senders/slack/index.ts`]:
        "import type { Sender } from '../sender.ts';\nexport class Slack implements Sender {}",
    };
    const name = 'implementations without the suite of their interface';
    assert.equal(counted(name, files).length, 2);
    const test = { [`${src}/notify/senders/all.test.ts`]: "senderSuite('email', open);" };
    assert.deepEqual(counted(name, { ...files, ...test }), [
      `${src}/notify/senders/sender.ts: senderSuite('slack', …) is called by no test`,
    ]);
  });

  it('are reported with what was counted where that is too much', () => {
    const good: Measure = { name: 'good', value: 1, limit: 1, counted: ['a'] };
    const bad: Measure = { name: 'worse', value: 2, limit: 1, counted: ['a', 'b'] };
    assert.deepEqual([isOver(good), isOver(bad)], [false, true]);
    assert.deepEqual(report([good, bad]), [
      'good     1  at most 1',
      'worse    2  at most 1  too many:',
      '    a',
      '    b',
    ]);
  });

  it('count entries in scripts whose functions tell that they were entered', () => {
    const text = [
      'const double = (n) => 2 * n;',
      'export function all(list) { return list.map((one) => double(one)); }',
      'class Counter { add() { return () => ({ n: 1 }); } }',
      'export const counted = () => new Counter().add()();',
    ].join('\n');
    const changed = withSources([{ path: 'a.js', text }], ([source]) => source && instrumented(source));
    const entered: string[] = [];
    globalThis.functionEntered = (name) => entered.push(name);
    const body = `${changed?.replaceAll('export ', '')}\nreturn [all([1, 2]), counted()];`;
    assert.deepEqual(new Function(body)(), [[2, 4], { n: 1 }]);
    globalThis.functionEntered = undefined;
    assert.deepEqual(entered, [
      ...['all', 'a callback', 'double', 'a callback', 'double'],
      ...['counted', 'add', 'a callback'],
    ]);
  });
});
