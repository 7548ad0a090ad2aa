import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MistakesError, parseSource } from '@taskyard/taskcluster-yml/template';
import { type Graph, graphOf, type LoadOptions, loadGraph } from './load.ts';

const now = new Date('2026-01-01T12:00:00.000Z');

/** taskIds in the order in which they are asked for; the first is the group's. */
const counted = (): (() => string) => {
  let count = 0;
  return () => `AAAAAAAAQ-${String(count++).padStart(11, 'C')}A`;
};

const load = (text: string, options: Partial<LoadOptions> = {}): Graph =>
  graphOf(parseSource('graph.yml', text), { params: {}, now, slugid: counted(), ...options });

const head = 'version: 1\nname: a graph\ndefaults: {taskQueueId: local/default}\n';

/** `line: label: message` of each mistake. */
const mistakesOf = (text: string, options: Partial<LoadOptions> = {}): string[] => {
  try {
    load(text, options);
  } catch (error) {
    assert.ok(error instanceof MistakesError, String(error));
    return error.mistakes.map(
      ({ line, label, message }) => `${line}: ${label === undefined ? '' : `${label}: `}${message}`,
    );
  }
  return [];
};

const find = (graph: Graph, label: string) => {
  const found = graph.tasks.find((task) => task.label === label);
  assert.ok(found, `no task ${label}`);
  return found.task;
};

describe('a graph file', () => {
  it('becomes bodies of createTask, with dates, metadata and dependencies filled in', () => {
    const graph = load(`${head}tasks:
  ship: {needs: [build], payload: {command: [[ship]]}}
  build: {payload: {command: [[make]]}}
`);
    assert.deepEqual(
      graph.tasks.map(({ label }) => label),
      ['build', 'ship'],
    );
    assert.deepEqual(find(graph, 'ship'), {
      taskQueueId: 'local/default',
      taskGroupId: graph.taskGroupId,
      dependencies: [graph.labels.build],
      created: '2026-01-01T12:00:00.000Z',
      deadline: '2026-01-02T12:00:00.000Z',
      expires: '2026-01-08T12:00:00.000Z',
      payload: { command: [['ship']], maxRunTime: 3600 },
      tags: { graph: 'a graph' },
      metadata: {
        name: 'ship',
        description: 'The task "ship" of the graph "a graph".',
        owner: 'nobody@localhost',
        source: 'https://localhost/graph.yml',
      },
    });
  });

  it('gives a task its defaults, key by key; null removes one', () => {
    const graph = load(`version: 1
name: x
defaults: {taskQueueId: local/default, retries: 2, payload: {env: {A: a, B: b}, maxRunTime: 60}, scopes: [one]}
tasks:
  t: {retries: null, scopes: [two], payload: {env: {B: c}}}
`);
    const task = find(graph, 't');
    assert.deepEqual(task.payload, { env: { A: 'a', B: 'c' }, maxRunTime: 60 });
    assert.deepEqual(task.scopes, ['two']);
    assert.ok(!('retries' in task));
  });

  it('renders expressions: parameters, dates, other tasks, generated labels', () => {
    const graph = load(
      `${head}params: {names: {default: [a, b]}, level: {default: 1}}
tasks:
  - $map: {$eval: params.names}
    each(name):
      build \${name}:
        payload: {artifacts: [{type: file, path: public/x}]}
  - all:
      needs: {$map: {$eval: params.names}, each(name): 'build \${name}'}
      deadline: {$fromNow: 2 hours}
      payload:
        level: {$eval: params.level + 1}
        mounts: [{file: x, content: {taskId: "\${taskId('build b')}", artifact: public/x}}]
    never: {$if: 'params.level > 7', then: {payload: {}}}
`,
      { params: { level: '4' } },
    );
    const task = find(graph, 'all');
    assert.deepEqual(task.dependencies, [graph.labels['build a'], graph.labels['build b']]);
    assert.equal(task.deadline, '2026-01-01T14:00:00.000Z');
    assert.deepEqual(task.payload, {
      level: 5,
      mounts: [{ file: 'x', content: { taskId: graph.labels['build b'], artifact: 'public/x' } }],
    });
    assert.equal(graph.tasks.length, 3);
  });

  it('names its source, and the tasks that work on it', () => {
    const tasks = `tasks:
  build: {payload: {command: [[make]]}}
  alone: {source: false, payload: {command: [[make]]}}
  done: {needs: [build, alone], taskQueueId: built-in/succeed, payload: {}}
`;
    const graph = load(`${head}source: ..\n${tasks}`);
    assert.deepEqual(graph.source, { kind: 'folder', folder: dirname(process.cwd()) });
    const hasSource = graph.tasks.map(({ label, hasSource }) => [label, hasSource]);
    assert.deepEqual(Object.fromEntries(hasSource), { build: true, alone: false, done: false });
    assert.ok(!('source' in find(graph, 'alone')));
    assert.ok(load(`${head}${tasks}`).tasks.every((task) => !task.hasSource));
    const some = '{folder: .., paths: [a, {$if: "true", then: node_modules/b}]}';
    assert.deepEqual(load(`${head}source: ${some}\n${tasks}`).source, {
      kind: 'folder',
      folder: dirname(process.cwd()),
      paths: ['a', 'node_modules/b'],
    });
    const commit = `{git: 'https://git.example/a', commit: '\${params.at}', secret: team/git}`;
    assert.deepEqual(load(`${head}params: {at: {default: v1.0}}\nsource: ${commit}\n${tasks}`).source, {
      kind: 'git',
      url: 'https://git.example/a',
      commit: 'v1.0',
      secret: 'team/git',
    });
  });

  it('refuses an impossible source', () => {
    const wrong = (source: string, payload = '{command: [[make]]}') =>
      mistakesOf(`${head}source: ${source}\ntasks: {t: {payload: ${payload}}}\n`);
    assert.deepEqual(wrong('7'), ['4: source: it must be text, not 7']);
    for (const path of ['/etc', '..', 'a/../../b']) assert.equal(wrong(`{paths: [${path}]}`).length, 1);
    assert.deepEqual(wrong('{git: https://git.example/a}'), ['4: source: commit is missing']);
    assert.deepEqual(wrong('{git: https://git.example/a, commit: --upload-pack=x}').length, 1);
    assert.deepEqual(wrong('{git: ext::sh, commit: main}').length, 1);
    assert.match(
      wrong('{git: "https://me:open@git.example/a", commit: main}')[0] ?? '',
      /keep it as a secret/,
    );
    assert.deepEqual(wrong('.', '{image: debian, command: [make], maxRunTime: 1}'), [
      '5: t: a task with an image cannot mount the source of the graph; write "source: false" in it',
    ]);
  });

  it('knows which tasks read its folder, and which name its node', () => {
    const folder = JSON.stringify(process.cwd());
    const bound = (text: string) => load(`${head}${text}`).boundTo.dir;
    const node = load(`${head}tasks: {a: {payload: {x: '\${node}'}}, b: {payload: {x: node}}}`);
    assert.deepEqual(node.boundTo, { dir: [], node: ['a'] });
    assert.deepEqual(bound(`tasks: {a: {payload: {x: '\${dir}/a'}}, b: {payload: {x: b}}}`), ['a']);
    assert.deepEqual(bound('tasks: {a: {payload: {x: {$eval: dir}}}}'), ['a']);
    assert.deepEqual(bound(`tasks: {a: {payload: {x: ${folder}}}}`), []);
  });

  it('knows its own folder and the node that runs it', () => {
    const graph = load(`${head}tasks: {t: {payload: {dir: '\${dir}', node: '\${node}'}}}`);
    assert.deepEqual(find(graph, 't').payload, { dir: process.cwd(), node: process.execPath });
  });

  it('uses the queue of the caller when it names none', () => {
    const text = 'version: 1\nname: x\ntasks: {t: {payload: {}}}';
    assert.equal(find(load(text, { taskQueueId: 'local/default' }), 't').taskQueueId, 'local/default');
    assert.deepEqual(mistakesOf(text), [
      '3: t: taskQueueId is missing: no queue is named here or in the defaults',
    ]);
  });
});

describe('labels that every JavaScript object inherits', () => {
  it('inherited-names: are labels like any other, with taskIds of their own', () => {
    const labels = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const tasks = labels.map((label, at) => {
      const needs = labels.slice(0, at).join(', ');
      return `  ${label}: {needs: [${needs}], payload: {env: {SELF: "\${taskId('${label}')}"}, command: [[x]]}}`;
    });
    const graph = load(`${head}tasks:\n${tasks.join('\n')}\n`);
    assert.deepEqual(
      graph.tasks.map(({ label }) => label),
      labels,
    );
    assert.equal(new Set(graph.tasks.map(({ taskId }) => taskId)).size, labels.length);
    for (const { taskId, task } of graph.tasks) assert.deepEqual(task.payload.env, { SELF: taskId });
    assert.equal(find(graph, 'valueOf').dependencies.length, 3);
    const unknown = mistakesOf(`${head}tasks: {a: {needs: [constructor], payload: {command: [[x]]}}}`);
    assert.deepEqual(unknown, ['4: a: needs "constructor", which is not a task']);
  });
});

describe('mistakes in a graph file', () => {
  it('name what was meant where a value or a parameter is not known', () => {
    const text = (command: string) =>
      `${head}params: {node: {default: 1}}\ntasks: {t: {payload: {command: [[${command}]]}}}`;
    const [dots, none] = [mistakesOf(text(`'\${parms.node}'`)), mistakesOf(text(`'\${params.nod}'`))];
    assert.match(dots[0] ?? '', /^5: t: there is no value "parms" \(did you mean "params"\?\); to leave it/);
    assert.deepEqual(none, ['5: t: there is no parameter "nod" (did you mean "node"?)']);
    assert.deepEqual(mistakesOf(text('{$eval: params.nod}')), none);
    assert.match(
      mistakesOf(text('{$eval: nothing}'))[0] ?? '',
      /no value "nothing": the file knows "params", /,
    );
  });

  it('are all reported together, with line and label', () => {
    const text = `version: 1
name: bad
nmae: bad
defaults: {taskQueueId: local/default, priority: hgih}
tasks:
  one:
    needs: [tow]
    colour: red
    payload: {env: {A: '\${nothing}'}}
  two:
    needs: [three, onne]
    colour: red
    payload: {}
  three:
    needs: [two]
    payload:
      mounts:
        - {file: x, content: {taskId: "\${taskId('four')}", artifact: public/x}}
  two: {payload: {}}
`;
    assert.deepEqual(mistakesOf(text.replace('  two: {payload: {}}\n', '')), [
      '3: unknown key "nmae" (did you mean "name"?)',
      '4: two: priority must be "highest", "very-high", "high", "medium", "low", "very-low" or "lowest"',
      '9: one: there is no value "nothing"; to leave it to a shell, write $${nothing}',
      '11: two: a cycle: "two" needs "three" needs "two"',
      '11: two: needs "onne", which is not a task (did you mean "one"?)',
      '12: two: unknown key "colour"',
      "18: three: taskId('four'): there is no such task",
    ]);
    assert.ok(mistakesOf(text).includes('19: "two" is written twice (first at line 10)'));
  });

  it('of syntax are reported with their line', () => {
    assert.throws(
      () => parseSource('graph.yml', 'version: 1\ntasks: [a\nname: }'),
      (error) => error instanceof MistakesError && error.mistakes.length > 0 && error.mistakes[0]?.line === 3,
    );
  });

  it('are found in the result of $map', () => {
    const text = `${head}tasks:
  $map: {$eval: '[1, 2]'}
  each(n):
    task \${n}:
      retries: many
      payload: {}
`;
    assert.deepEqual(mistakesOf(text), ['8: task 1: retries must be a whole number, not "many"']);
  });

  it('of labels: used twice, by two lists', () => {
    const text = `${head}tasks:\n  - a: {payload: {}}\n  - a: {payload: {}}\n`;
    assert.deepEqual(mistakesOf(text), ['6: a: there is another task of this label, at line 5']);
  });

  it('of mounts: an artifact that does not exist, or not yet', () => {
    const mount = (label: string, artifact: string) =>
      `{mounts: [{file: x, content: {taskId: "\${taskId('${label}')}", artifact: ${artifact}}}]}`;
    const text = `${head}tasks:
  build: {payload: {artifacts: [{type: file, path: a.txt, name: public/a.txt}, {type: directory, path: public/d}]}}
  early: {payload: ${mount('build', 'public/a.txt')}}
  wrong: {needs: [build], payload: ${mount('build', 'public/b.txt')}}
  right: {needs: [build], payload: ${mount('build', 'public/d/b.txt')}}
  later: {needs: [right, build], payload: ${mount('build', 'public/a.txt')}}
`;
    assert.deepEqual(mistakesOf(text), [
      '6: early: mounts "public/a.txt" of "build" without needing it',
      '7: wrong: mounts "public/b.txt" of "build", which makes only "public/a.txt" and "public/d"',
    ]);
  });

  it('of parameters', () => {
    const text = `version: 1
name: x
params:
  mode: {default: fast, values: [fast, slow]}
  count: {type: integer}
  rest: {default: [1]}
tasks: {}
`;
    assert.deepEqual(mistakesOf(text, { params: { mode: 'medium', rest: '7', mood: 'good' } }), [
      '3: --param mood: no such parameter is declared (did you mean "mode"?)',
      '4: --param mode=medium: must be "fast" or "slow"',
      '5: parameter "count": has no default and must be given',
      '6: --param rest=7: must be of type array',
    ]);
    assert.deepEqual(mistakesOf(text, { params: { count: '1.5' } }), [
      '5: --param count=1.5: must be of type integer',
    ]);
  });

  it('of dates', () => {
    const text = `${head}tasks:
  late: {deadline: {$fromNow: '-1 hour'}, payload: {}}
  odd: {expires: {$fromNow: 1 minute}, payload: {}}
  vague: {deadline: soon, payload: {}}
  wrong: {deadline: {$fromNow: soon}, payload: {}}
`;
    assert.deepEqual(
      mistakesOf(text).map((mistake) => mistake.split(/, | \(|: 20/)[0]),
      [
        '5: late: deadline is in the past',
        '6: odd: expires',
        '7: vague: deadline must match format "date-time"',
        "8: wrong: String: 'soon' isn't a time expression",
      ],
    );
  });

  it('of the schemas that the caller adds', () => {
    const text = `${head}tasks:
  t:
    payload:
      mounts:
        - {file: x, content: {url: 7}}
        - {directory: x}
`;
    const branch = (key: string, more: object) => ({
      required: [key],
      properties: { [key]: { type: 'string' }, ...more },
      additionalProperties: false,
    });
    const content = { anyOf: [branch('url', {}), branch('raw', {})] };
    const mount = { anyOf: [branch('directory', {}), branch('file', { content })] };
    const payloadSchema = { properties: { mounts: { type: 'array', items: mount } } };
    const taskSchema = { properties: { tags: { required: ['kind'] } }, required: ['tags'] };
    assert.deepEqual(mistakesOf(text, { taskSchema, payloadSchema }), [
      '5: t: tags.kind is missing',
      '8: t: payload: mounts.0.content.url must be text, not 7',
    ]);
  });

  it('of aliases that expand to too much', () => {
    const level = (n: number) =>
      `l${n}: &l${n} [${Array(10)
        .fill(`*l${n - 1}`)
        .join(', ')}]\n`;
    const text = `l0: &l0 [x, x]\n${[1, 2, 3, 4, 5, 6].map(level).join('')}`;
    assert.throws(() => parseSource('graph.yml', text), MistakesError);
  });

  it('include a missing file', async () => {
    await assert.rejects(
      loadGraph('/nowhere/graph.yml', { params: {}, now, slugid: counted() }),
      /^MistakesError: \/nowhere\/graph.yml:1:1: cannot be read: there is no such file$/,
    );
  });
});

describe('the example', () => {
  it('is a graph of at least 15 tasks without a mistake', async () => {
    const path = fileURLToPath(new URL('../../../../examples/packages/graph.yml', import.meta.url));
    const graph = await loadGraph(path, { params: {}, now, slugid: counted(), taskQueueId: 'local/default' });
    assert.ok(graph.tasks.length >= 15);
  });
});
