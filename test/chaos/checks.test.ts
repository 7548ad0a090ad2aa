import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDelivery } from './check-deliveries.ts';
import { checkTask, type Surroundings } from './check-history.ts';
import type { Entry, Outcome, Verb } from './history.ts';

const call = (verb: Verb, sent: number, more: Partial<Entry> = {}): Entry => ({
  ...{ caller: 'one', verb, sent, ended: sent + 5, says: '', outcome: 'acknowledged' as Outcome },
  ...more,
});
const created = call('create', 0, { says: 'pending', runs: 1 });
const claimed = (runId: number, sent: number, more: Partial<Entry> = {}): Entry =>
  call('claim', sent, { runId, takenUntil: sent + 1000, says: 'running', ...more });
const reported = (runId: number, sent: number, more: Partial<Entry> = {}): Entry =>
  call('report', sent, { runId, says: 'completed', runs: runId + 1, ...more });
const refused = (status: number): Partial<Entry> => ({ outcome: 'refused', status, says: 'no' });

const check = (
  entries: readonly Entry[],
  { ending = ['completed'], wrongClocks = [] }: Partial<Surroundings> = {},
): string[] => checkTask(entries, { ending, wrongClocks });

const completed = [created, claimed(0, 10), reported(0, 20)];
const retried = ['exception', 'completed'];

describe('the checks of a history', () => {
  const sound: readonly (readonly [string, readonly Entry[], readonly string[]])[] = [
    ['a task that completes', completed, ['completed']],
    [
      'a worker that is refused after its claim was over, and the next one',
      [created, claimed(0, 10), claimed(1, 1100), reported(0, 1200, refused(409)), reported(1, 1300)],
      retried,
    ],
    [
      'a run that its worker gave back, and the next one at once',
      [
        created,
        claimed(0, 10),
        reported(0, 20, { says: 'exception', runs: 2 }),
        claimed(1, 30),
        reported(1, 40),
      ],
      retried,
    ],
    [
      'a run whose end is reported again when the next one is over',
      [
        created,
        claimed(0, 10),
        reported(0, 20, { outcome: 'unknown', says: 'connection lost' }),
        claimed(1, 30),
        reported(1, 40),
        reported(0, 50, { says: 'exception', runs: 2 }),
      ],
      retried,
    ],
    [
      'a call that nobody answered, and its repetition',
      [call('create', 0, { outcome: 'unknown', says: 'connection lost' }), ...completed],
      ['completed'],
    ],
  ];
  for (const [name, entries, ending] of sound)
    it(`find nothing in ${name}`, () => assert.deepEqual(check(entries, { ending }), []));

  const broken: readonly (readonly [RegExp, readonly Entry[], (readonly string[])?])[] = [
    [/^its creation was refused with 409/, [call('create', 0, refused(409)), ...completed]],
    [/was refused with 404/, [...completed, reported(0, 2000, refused(404))]],
    [
      /refused while its worker held it/,
      [created, claimed(0, 10), reported(0, 20, refused(409)), ...completed],
    ],
    [/given to two although another/, [...completed, claimed(0, 30, { caller: 'two' })]],
    [
      /run 1 was handed out while one held/,
      [created, claimed(0, 10), claimed(1, 30), reported(1, 40)],
      retried,
    ],
    [/run 1 had a claim although run 0/, [...completed, claimed(1, 30)], ['completed', 'completed']],
    [/read was refused with 404/, [...completed, call('read', 50, refused(404))]],
    [/told to be running after/, [...completed, call('read', 50, { says: 'running', runs: 1 })]],
    [/1 runs, after more/, [created, call('read', 5, { runs: 2 }), call('read', 20, { runs: 1 })]],
    [/it is running in the end/, [created, claimed(0, 10)], ['running']],
    [/run 1 was given to one, and is not there/, [created, claimed(1, 10)]],
    [/run 0 was told to be completed .* it is failed/, completed, ['failed']],
    [/run 1 had a report although run 0/, [...completed, reported(1, 30)], ['completed', 'completed']],
  ];
  for (const [problem, entries, ending] of broken)
    it(`find ${problem.source}`, () => {
      assert.match(check(entries, { ending: ending ?? ['completed'] }).join('\n'), problem);
    });

  it('find a task that was acknowledged and is not there', () => {
    const problems = checkTask([created], { ending: undefined, wrongClocks: [] });
    assert.match(problems.join(), /acknowledged, and it is not there/);
  });

  it('let claims end early while a clock is wrong', () => {
    const entries = [created, claimed(0, 10), claimed(1, 30), reported(1, 40)];
    assert.deepEqual(check(entries, { ending: retried, wrongClocks: [{ from: 12, to: 20 }] }), []);
  });
});

describe('the checks of deliveries', () => {
  const steps = ['defined -', 'pending 0', 'running 0', 'completed 0'];
  const deliver = (told: readonly string[]): string[] =>
    checkDelivery('id', completed, {
      published: new Map([['id', steps]]),
      delivered: { name: 'it', steps: new Map([['id', [...told]]]) },
    });

  it('find nothing when everything came in order', () => assert.deepEqual(deliver(steps), []));

  it('find what was acknowledged and is not even published', () => {
    const ends = [reported(0, 20, { says: 'failed' }), reported(1, 30, { says: 'exception' })];
    const problems = checkDelivery('id', [created, claimed(0, 10), ...ends], {
      published: new Map(),
      delivered: { name: 'it', steps: new Map() },
    });
    assert.deepEqual(
      problems.map((problem) => /"(.*)"/.exec(problem)?.[1]),
      ['defined -', 'running 0', 'failed 0', 'exception 1'],
    );
  });

  for (const [name, told, problem] of [
    ['a message that is missing', steps.slice(0, 3), /has no message "completed 0"/],
    ['a message that came twice', [...steps, 'completed 0'], /it told defined/],
    ['another order', [...steps].reverse(), /it told completed 0, running 0/],
  ] as const)
    it(`find ${name}`, () => assert.match(deliver(told).join('\n'), problem));
});
