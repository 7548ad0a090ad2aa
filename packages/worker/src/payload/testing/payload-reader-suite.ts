import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PayloadContext } from '../payload-context.ts';
import type { PayloadReader } from '../payload-reader.ts';
import type { PayloadFormat } from '../published-schema.ts';
import { readPayload } from '../read-payload.ts';

const context: PayloadContext = {
  deadline: new Date('2030-01-02T00:00:00Z'),
  expires: new Date('2031-01-02T00:00:00Z'),
  dependencies: [],
  taskQueueId: 'test/worker',
  maxRunTimeSecondsMax: 3600,
  abilities: {
    containers: { refusals: () => [] },
    features: { taskclusterProxy: true, chainOfTrust: false, resourceMonitor: true, interactive: false },
  },
};

/** What every reader of payloads must do; `minimal` is the smallest payload of its format that is right. */
export const payloadReaderSuite = (
  format: PayloadFormat,
  { reader, minimal }: { readonly reader: PayloadReader; readonly minimal: object },
): void => {
  const errorsOf = (payload: unknown): readonly string[] => reader.read(payload, context).errors ?? [];

  describe(`a reader of ${format}`, () => {
    it('knows its name, and is found by the fields of its format', () => {
      assert.equal(reader.format, format);
      assert.ok(reader.isFor(minimal));
      assert.deepEqual(readPayload(minimal, context), { ...reader.read(minimal, context), format });
    });

    it('describes the smallest payload, with defaults for all else', () => {
      const { description, errors } = reader.read(minimal, context);
      assert.equal(errors, undefined);
      assert.deepEqual(Object.keys(description ?? {}).sort(), [
        ...['artifacts', 'commands', 'environment', 'features', 'hasBackingLog', 'hasLiveLog', 'image'],
        ...['keepsFigures', 'logs', 'maxRunTimeSeconds', 'mounts', 'onExitStatus', 'privileges'],
        ...['requiredScopes', 'volumes'],
      ]);
      assert.deepEqual(
        [description?.artifacts, description?.mounts, description?.requiredScopes],
        [[], [], []],
      );
    });

    it('reads environment, time to run and exit statuses alike', () => {
      const { description } = reader.read(
        { ...minimal, env: { A: 'two words' }, maxRunTime: 3600, onExitStatus: { retry: [4] } },
        context,
      );
      assert.deepEqual(description?.environment, { A: 'two words' });
      assert.equal(description?.maxRunTimeSeconds, 3600);
      assert.deepEqual(description?.onExitStatus.retry, [4]);
    });

    it('names every mistake, and the field that it is in', () => {
      const errors = errorsOf({ ...minimal, unheard: 1, env: { A: 1 } }).join('\n');
      assert.match(errors, /unheard/);
      assert.match(errors, /env\/A/);
      assert.match(errorsOf({ ...minimal, maxRunTime: 3601 }).join(), /maxRunTime/);
      assert.match(errorsOf({ ...minimal, env: { 'A=B': 'c' } }).join(), /A=B/);
    });

    it('refuses what is no object, and does not throw', () => {
      for (const payload of [null, undefined, 'text', 5, true, [minimal]])
        assert.ok(errorsOf(payload).length > 0, JSON.stringify(payload));
    });

    it('does not change the payload', () => {
      const payload = { ...minimal, env: { A: 'b' } };
      const before = structuredClone(payload);
      reader.read(payload, context);
      assert.deepEqual(payload, before);
    });
  });
};
