import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MistakesError, parseSource } from '@taskyard/taskcluster-yml/template';
import { graphOf } from './load.ts';

const load = (tasks: string) => {
  let count = 0;
  const slugid = () => `AAAAAAAAQ-${String(count++).padStart(11, 'C')}A`;
  const options = { params: {}, now: new Date(0), slugid, taskQueueId: 'local/default' };
  return graphOf(parseSource('graph.yml', `name: x\nparams: {who: {default: you}}\n${tasks}`), options);
};

const payloads = (tasks: string) =>
  Object.fromEntries(load(tasks).tasks.map(({ label, task }) => [label, task.payload]));

const mistakesOf = (tasks: string): string[] => {
  try {
    load(tasks);
  } catch (error) {
    assert.ok(error instanceof MistakesError, String(error));
    return error.mistakes.map(({ message }) => message);
  }
  return [];
};

const commandOf = (label: string, tasks: string): string | undefined =>
  (payloads(tasks)[label]?.command as string[][] | undefined)?.[0]?.at(-1);

const scriptOf = (script: string): string | undefined =>
  commandOf('t', `tasks:\n  t:\n    run: |\n      ${script}\n`);

describe('a task with a script', () => {
  it('runs it with bash, which exits at the first failure, within an hour', () => {
    const command = [['bash', '-eo', 'pipefail', '-c', 'make | tee log\nmake test\n']];
    assert.deepEqual(payloads('tasks:\n  t:\n    run: |\n      make | tee log\n      make test\n'), {
      t: { maxRunTime: 3600, command },
    });
    const { t } = payloads(
      'defaults: {payload: {maxRunTime: 5}}\ntasks: {t: {run: make, payload: {env: {A: b}}}}',
    );
    assert.deepEqual([t?.maxRunTime, t?.env], [5, { A: 'b' }]);
    assert.deepEqual(payloads('tasks: {t: {taskQueueId: built-in/succeed, payload: {}}}'), { t: {} });
  });

  it('leaves names to the shell that are not defined by the file', () => {
    const kept = [
      `\${HOME}/x \${HOME:-\${B}} \${x%.*}`,
      `\${#list[@]} \${list[@]} \${!name} \${1} \${1:-params} \${@}`,
      `$HOME $(date) $$`,
    ];
    for (const script of kept) assert.equal(scriptOf(script), `${script}\n`);
    assert.equal(scriptOf(`\${HOME} \${params.who} $\${params.who}`), `\${HOME} you \${params.who}\n`);
    assert.equal(scriptOf(`\${'a' + 'b'} \${len('abc')} \${ params.who }`), 'ab 3 you\n');
    const generated = `tasks: {$map: [b], each(item): {'\${item}': {run: 'make \${item} in \${HOME}'}}}`;
    assert.equal(commandOf('b', generated), `make b in \${HOME}`);
  });

  it('says how to escape for the shell when a name is unknown', () => {
    const inCommand = (text: string) => mistakesOf(`tasks: {t: {payload: {command: [[sh, -c, '${text}']]}}}`);
    assert.deepEqual(inCommand(`echo \${HOME}`), [
      `there is no value "HOME"; to leave it to a shell, write $\${HOME}`,
    ]);
    assert.ok(inCommand(`echo \${HOME:-x}`)[0]?.endsWith(`; to leave \${…} to a shell, write $\${…}`));
  });

  it('refuses both ways to say what is run, and neither', () => {
    assert.deepEqual(mistakesOf('tasks: {t: {run: make, payload: {command: [[make]]}}}'), [
      'run and payload.command both say what is run; leave one out',
    ]);
    assert.deepEqual(mistakesOf('tasks: {t: {retries: 1}}'), [
      'nothing to run: write "run: |" with a script, or a "payload"',
    ]);
  });
});

describe('a key of another format', () => {
  const told: readonly (readonly [string, RegExp])[] = [
    ['tasks: {t: {command: [make]}}', /^unknown key "command": write "run: \|" with a script/],
    ['tasks: {t: {run: make, maxRunTime: 60}}', /write "payload: \{maxRunTime: …\}"/],
    ['tasks: {t: {run: make, provisionerId: a, workerType: b}}', /write "taskQueueId: /],
    ['tasks: {t: {run: make}, u: {run: make, dependencies: [t]}}', /write "needs: \[t\]"/],
    ['tasks: {t: {run: make, dependencies: {build: t}}}', /write "needs: \[<label>\]"/],
    ['tasks: {t: {run: make, source: .}}', /true or false.*at the top of the file/],
    [
      'payload: {}\ntasks: {t: {run: make}}',
      /^unknown key "payload": it belongs in a task, or in "defaults"/,
    ],
    ['policy: {}\ntasks: {t: {run: make}}', /^unknown key "policy": graph files have nothing like it/],
    [
      'tasks: [{taskQueueId: a/b, payload: {command: [[make]]}}]',
      /^this task has no label: write "<label>:"/,
    ],
  ];
  for (const [text, message] of told) {
    it(`is refused with a hint how to write it: ${text}`, () => {
      const mistakes = mistakesOf(text);
      assert.ok(
        mistakes.some((mistake) => message.test(mistake)),
        mistakes.join('\n'),
      );
    });
  }
});
