import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { encodeTerminal, type TerminalMessage, terminalMessages } from '@taskyard/client';
import { within } from '@taskyard/patience';
import type { OpenTerminal } from './conversation.ts';
import { openShells } from './shells.ts';

const server = createServer({ allowHalfOpen: true });
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
const people: Socket[] = [];
after(() => {
  for (const one of people) one.destroy();
  server.close();
});

/** A person, and the stream by which the worker reaches them. */
const aPerson = async () => {
  const taken = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const person = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  const [stream] = await within('the person to come', taken);
  people.push(person, stream);
  const said = terminalMessages(person);
  return {
    stream,
    person,
    tell: (message: TerminalMessage) => void person.write(encodeTerminal(message)),
    hears: async () =>
      (await within('the worker to speak', said.next())).value as TerminalMessage | undefined,
  };
};

const size = { kind: 'size', columns: 80, rows: 24 } as const;

/** Shells that say what was typed. */
const echoes = () => {
  const ended: string[] = [];
  let count = 0;
  const open: OpenTerminal = async () => {
    const name = `shell ${count++}`;
    const screen = new PassThrough();
    const over = once(screen, 'end').then(() => 3);
    const kill = (): void => {
      ended.push(name);
      screen.end();
    };
    return { keys: screen, screen, resize: () => undefined, wait: () => over, kill };
  };
  return { open, ended };
};

const offered = (open: OpenTerminal) => {
  const shells = openShells();
  const offer = shells.offer(open);
  const at = shells.at(offer.path);
  assert.ok(at);
  return { ...offer, at, shells };
};

test('a person and a shell speak with each other until the shell ends', async () => {
  const { at } = offered(echoes().open);
  const { stream, person, tell, hears } = await aPerson();
  const over = at(stream);
  tell(size);
  tell({ kind: 'bytes', bytes: Buffer.from('typed') });
  assert.deepEqual(await hears(), { kind: 'bytes', bytes: Buffer.from('typed') });
  person.end();
  assert.deepEqual(await hears(), { kind: 'exit', exitCode: 3 });
  await within('the end', over);
});

test('a person who goes without a word leaves no shell behind', async () => {
  const { open, ended } = echoes();
  const { at } = offered(open);
  const { stream, person, tell, hears } = await aPerson();
  const over = at(stream);
  tell(size);
  tell({ kind: 'bytes', bytes: Buffer.from('x') });
  await hears();
  person.destroy();
  await within('the end', over);
  assert.deepEqual(ended, ['shell 0']);
});

test('one who does not begin with a size is refused', async () => {
  const { at } = offered(echoes().open);
  for (const message of [
    { kind: 'bytes', bytes: Buffer.from('x') },
    { ...size, rows: 0 },
    { ...size, columns: 1e9 },
  ] as const) {
    const { stream, person, tell, hears } = await aPerson();
    const over = at(stream);
    tell(message);
    assert.equal((await hears())?.kind, 'refused');
    person.end();
    await within('the end', over);
  }
});

test('a shell that cannot be opened is refused with the reason', async () => {
  const { at } = offered(() => Promise.reject(new Error('nothing runs')));
  const { stream, tell, hears } = await aPerson();
  const over = at(stream);
  tell(size);
  assert.deepEqual(await hears(), { kind: 'refused', reason: 'nothing runs' });
  await within('the end', over);
});

test('a withdrawal ends all shells, and waits for nobody who is silent', async () => {
  const { open, ended } = echoes();
  const { at, path, shells, withdraw } = offered(open);
  const [busy, silent] = [await aPerson(), await aPerson()];
  const both = Promise.all([at(busy.stream), at(silent.stream)]);
  busy.tell(size);
  busy.tell({ kind: 'bytes', bytes: Buffer.from('x') });
  await busy.hears();
  await within('the withdrawal', withdraw());
  await both;
  assert.deepEqual(ended, ['shell 0']);
  assert.equal((await busy.hears())?.kind, 'exit');
  assert.equal(shells.at(path), undefined);
});

test('a task has so many shells at once, and no more', async () => {
  const { at, withdraw } = offered(echoes().open);
  const all = [];
  for (let i = 0; i < 16; i++) {
    const { stream } = await aPerson();
    all.push(at(stream));
  }
  const late = await aPerson();
  const refused = at(late.stream);
  late.tell(size);
  const answer = await late.hears();
  assert.match(answer?.kind === 'refused' ? answer.reason : '', /16 shells at once/);
  await refused;
  await withdraw();
  await Promise.all(all);
});
