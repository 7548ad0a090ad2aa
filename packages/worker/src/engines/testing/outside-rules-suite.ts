import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutsideRules } from '../engine.ts';

/** What holds for the absolute paths of each engine that hides those of the machine. `runs` is where its worker is. */
export const outsideRulesSuite = (
  name: string,
  open: (parts: { readonly runs: string }) => OutsideRules,
): void => {
  describe(`absolute paths: ${name}`, () => {
    const runs = '/srv/worker/runs';
    const rules = open({ runs });
    const uses = ['mount', 'file', 'directory'] as const;

    test('places of no system are for all uses', () => {
      for (const use of uses) assert.equal(rules.refusal({ path: '/builds/a/b', use }), undefined, use);
    });

    test('the root is for none, whatever it is called', () => {
      for (const path of ['/', '//', '/a/..', '/./']) {
        for (const use of uses) assert.ok(rules.refusal({ path, use }), `${path} as ${use}`);
      }
    });

    test('a mount neither hides the worker nor is in its place', () => {
      for (const path of ['/srv', '/srv/worker/', runs, `${runs}/a/task`, '/x/../srv/worker/runs/a']) {
        assert.ok(rules.refusal({ path, use: 'mount' }), path);
      }
    });

    test('mounts are shown, each once', () => {
      const mounts = ['/builds/a', '/builds/./a/', '/builds/a/b', '/data/c'];
      const shown = rules.shownFor(mounts.map((path) => ({ path, use: 'mount' })));
      assert.deepEqual([...shown].sort(), ['/builds/a', '/data/c']);
    });
  });
};
