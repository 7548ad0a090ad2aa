import { eventually, pause } from '@taskyard/patience';
import { Callers, creators } from './callers.ts';
import { consumeFrom, type Delivered, followStream } from './deliveries.ts';
import { faults } from './faults.ts';
import { type Fleet, lacks } from './fleet.ts';
import { History, now } from './history.ts';
import { type PlannedFault, planOf } from './plan.ts';
import { historyOf, type Struck, tableOf } from './report.ts';
import { type Findings, verify } from './verify.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How many faults are made. */
  readonly count: number;
  /** Over how many hours they are spread; 0: each follows the recovery from the one before. */
  readonly hours: number;
  /** Is given what happens, line by line. */
  say(line: string): void;
}

interface Load {
  readonly fleet: Fleet;
  readonly history: History;
  readonly callers: Callers;
}

const faultOf = (kind: string) => faults.find((fault) => fault.kind === kind);

/** Waits for something of a load; what ended the load before is thrown. */
const during = async <T>({ callers }: Load, what: string, look: () => T | undefined): Promise<T> => {
  let found: T | undefined;
  await eventually(what, () => {
    found = look();
    return found !== undefined || callers.isOver;
  });
  if (found === undefined) await callers.done;
  return found as T;
};

/** Makes one fault, and waits until all callers are served again. */
const strike = async (load: Load, { kind, target, calls, lastsMs }: PlannedFault): Promise<Struck> => {
  const { fleet, history } = load;
  const { first, second, background } = fleet;
  const enough = history.counts.acknowledged + calls;
  await during(load, 'calls before a fault', () => history.counts.acknowledged >= enough || undefined);
  const isWhole = [first, second, background].every(({ isUp }) => isUp);
  let at = now();
  const struck = (): void => {
    at = now();
    history.watchFrom(at);
  };
  await faultOf(kind)?.strike({ fleet, target, lastsMs, wrongClocks: history.wrongClocks, struck });
  const recovery = await during(load, `recovery from "${kind}"`, () => history.recovery);
  return { kind, at, isWhole, recovery };
};

/** Why a kind of fault cannot be made on this machine. */
const reasonAgainst = (kind: string): string | false => {
  const needs = faultOf(kind)?.needs;
  return needs ? lacks[needs] : false;
};

const strikeAll = async (load: Load, { seed, count, hours, say }: ChaosOptions, struck: Struck[]) => {
  const began = now();
  const kinds = faults.map(({ kind }) => kind);
  for (const [i, planned] of planOf(seed, kinds, count).entries()) {
    const name = `${String(i + 1).padStart(String(count).length)}  ${planned.kind.padEnd(30)}`;
    const reason = reasonAgainst(planned.kind);
    if (reason) {
      say(`${name} left out: ${reason}`);
      continue;
    }
    const due = began + (i / count) * hours * 3_600_000;
    await pause(Math.max(0, due - now()));
    const made = await strike(load, planned);
    struck.push(made);
    say(`${name} next call after ${made.recovery.next} ms, all callers after ${made.recovery.all} ms`);
  }
};

/** Of how many tasks the history is printed. */
const shownMax = 20;

const tellFindings = (
  { ofTasks, others, counts }: Findings,
  { history, struck, say }: { history: History; struck: readonly Struck[]; say: (line: string) => void },
): number => {
  const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  say(`\nchecked: ${told.join(', ')}`);
  for (const line of others) say(`BROKEN  ${line}`);
  for (const [taskId, problems] of [...ofTasks].slice(0, shownMax)) {
    say('');
    for (const problem of problems) say(`BROKEN  ${taskId}: ${problem}`);
    for (const line of historyOf(history.of(taskId), struck)) say(line);
  }
  if (ofTasks.size > shownMax) say(`and ${ofTasks.size - shownMax} more tasks`);
  return others.length + ofTasks.size;
};

/** Stops the fleet as an operator would. Says what ended on its own before; returns how many did not end well now. */
const endFleet = async (fleet: Fleet, say: (line: string) => void): Promise<number> => {
  const machines = [fleet.first, fleet.second, fleet.background];
  for (const { name, ownEnds } of machines) {
    if (ownEnds.running + ownEnds.starting > 0)
      say(`${name} ended ${ownEnds.running} times on its own, and failed to start ${ownEnds.starting} times`);
  }
  const hung = machines.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
  const codes = Object.entries(await fleet.stop()).filter(([, code]) => code !== 0);
  const unclean = codes.map(([name, code]) => `${name} ended with ${code} when it was stopped`);
  for (const problem of [...hung, ...unclean]) say(`BROKEN  ${problem}`);
  return hung.length + unclean.length;
};

/** Makes the faults of a seed under load on a fleet, checks everything, and returns how much is broken. */
export const runChaos = async (fleet: Fleet, options: ChaosOptions): Promise<number> => {
  const { say } = options;
  const history = new History(creators);
  const listeners: Delivered[] = [];
  if (fleet.broker) listeners.push(await consumeFrom(fleet.broker.url));
  for (const address of fleet.addresses) listeners.push(await followStream(address));
  const callers = new Callers(fleet.addresses, history);
  const struck: Struck[] = [];
  try {
    await strikeAll({ fleet, history, callers }, options, struck);
    callers.finish();
    // A caller that gave up may leave no task behind that the checks would name.
    const givenUp = await callers.done.then(
      () => 0,
      (error: Error) => {
        say(`BROKEN  ${error.message}`);
        return 1;
      },
    );
    const findings = await verify(fleet, history, listeners);
    const broken = tellFindings(findings, { history, struck, say });
    return givenUp + broken + (await endFleet(fleet, say));
  } finally {
    for (const listener of listeners) await listener.end();
    say(`\n${tableOf(struck).join('\n')}`);
  }
};
