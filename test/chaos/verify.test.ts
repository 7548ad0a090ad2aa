import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { aHome } from '../support/platform.ts';
import { databaseUrlIn } from '../support/postgres.ts';
import { Callers, creators } from './callers.ts';
import { type Delivered, followStream } from './deliveries.ts';
import type { Fleet } from './fleet.ts';
import { type Entry, History } from './history.ts';
import { verify } from './verify.ts';

const acknowledged = (verb: Entry['verb'], more: Partial<Entry> = {}): Entry => ({
  ...{ caller: 'nobody', verb, sent: 0, ended: 1, outcome: 'acknowledged', says: '' },
  ...more,
});

/** A listener that has heard all that another one has, but for the steps of one task that `change` leaves. */
const changed = (heard: Delivered, taskId: string, change: (steps: string[]) => string[]): Delivered => ({
  ...{ name: 'a careless listener', count: heard.count, problems: [], end: async () => {} },
  steps: new Map(heard.steps).set(taskId, change(heard.steps.get(taskId) ?? [])),
});

it('a run without faults is found sound; what a listener, an artifact or a task lacks is named', async (t) => {
  const home = await aHome(t);
  const platform = await home.start({ WORKER: 'false', LOG_LEVEL: 'fatal', TASK_CLAIM_TIMEOUT: '60' });
  const databaseUrl = () => databaseUrlIn(home.path);
  const fleet = { addresses: [platform, platform], databaseUrl } as unknown as Fleet;
  const history = new History(creators);
  const stream = await followStream(platform);
  const callers = new Callers(fleet.addresses, history);
  await eventually('some tasks', () => history.created.length >= 30);
  callers.finish();
  await callers.done;

  const sound = await verify(fleet, history, [stream]);
  assert.deepEqual([...sound.ofTasks, ...sound.others], []);
  assert.ok((sound.counts.artifacts ?? 0) > 0 && (sound.counts.messages ?? 0) >= 90);

  const [unheard = '', swapped = '', robbed = ''] = history.created;
  const [unrun, lost] = [history.created.at(-1) ?? '', slugid()];
  history.add([robbed], acknowledged('upload', { runId: 0 }));
  history.add([lost], acknowledged('create'));
  const listeners = [
    changed(stream, unheard, (steps) => steps.slice(0, -1)),
    changed(stream, swapped, (steps) => steps.toReversed()),
    changed(stream, unrun, () => []),
  ];
  const { ofTasks, others } = await verify(fleet, history, listeners);
  const said = (taskId: string): string => (ofTasks.get(taskId) ?? []).join('\n');
  assert.deepEqual([...ofTasks.keys()].sort(), [unheard, swapped, robbed, unrun, lost].sort());
  assert.match(said(unheard), /a careless listener has no message "\w+ 0", which was acknowledged/);
  assert.match(said(swapped), /a careless listener told .*; published were /);
  assert.match(said(unrun), /has no message "defined -"/);
  assert.match(said(robbed), /the artifact of run 0 is lost/);
  assert.match(said(lost), /acknowledged, and it is not there/);
  assert.match(others.join('\n'), new RegExp(lost));
});
