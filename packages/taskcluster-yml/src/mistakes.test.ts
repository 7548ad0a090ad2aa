import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mistakesOf } from './testing/events.ts';

const taskSchema = {
  type: 'object',
  properties: { deadline: { type: 'string' }, payload: { type: 'object' }, metadata: { type: 'object' } },
  required: ['deadline'],
};

describe('a mistake', () => {
  it('in the form of the file is told with its place, several at once', () => {
    const text =
      'version: 1\npolcy: {}\npolicy: {pullRequests: everybody}\nreporting: checks\nreporting: x\n';
    const told = mistakesOf(text);
    assert.equal(told.length, 4, told.join('\n'));
    assert.match(told[0] ?? '', /^\.taskcluster\.yml:2:1: unknown key "polcy" \(did you mean "policy"\?\)/);
    assert.match(told[1] ?? '', /:3:10: policy\.pullRequests must be "public", "public_restricted"/);
    assert.ok(told.some((line) => /"reporting" is written twice/.test(line)));
  });

  it('in the version or the YAML is told', () => {
    assert.match(mistakesOf('tasks: []')[0] ?? '', /version is missing: write "version: 1"/);
    assert.match(mistakesOf('version: 2')[0] ?? '', /version must be 1, or 0/);
    assert.match(mistakesOf('version: 1\ntasks: [}\n')[0] ?? '', /^\.taskcluster\.yml:2:/);
    assert.match(mistakesOf('[]')[0] ?? '', /must be a map/);
  });

  it('in a tag is told: its value would be none that JSON has', () => {
    for (const value of ['!!binary aGk=', '!!set {a, b}', '!mine x'])
      assert.match(
        mistakesOf(`version: 1\nhooks: [{name: a/b, context: {a: ${value}}}]`)[0] ?? '',
        /^\.taskcluster\.yml:2:34: Unresolved tag/,
        value,
      );
    assert.deepEqual(mistakesOf('version: !!int 1\ntasks: !!seq []'), []);
  });

  it('in an expression names file, line and task, and hides none in another task', () => {
    const text = `version: 1
tasks:
  - metadata: {name: first}
    extra: {a: '\${nothing}'}
  - $if: 'tasks_for == "github-push"'
    then:
      metadata: {name: 'second \${tasks_for}'}
      extra:
        b: {$eval: 'event.nope'}
`;
    const told = mistakesOf(text);
    assert.equal(told.length, 2, told.join('\n'));
    assert.match(told[0] ?? '', /^\.taskcluster\.yml:4:13: task "first": there is no value "nothing"/);
    assert.match(told[1] ?? '', /^\.taskcluster\.yml:9:\d+: task "second \$\{tasks_for\}": .*nope/);
  });

  it('in a rendered task is told where that task is written, in lists and below operators', () => {
    const text = `version: 1
tasks:
  $flattenDeep:
    - $if: 'false'
      then: {metadata: {name: never}}
    - - $let: {common: {deadline: {$fromNow: 1 hour}, taskQueueId: a/b}}
        in:
          $mergeDeep:
            - {$eval: common}
            - metadata: {name: packed}
              payload: [1]
      - $map: [x, y]
        each(s):
          taskQueueId: a/b
          metadata: {name: 'check \${s}'}
          payload: {}
`;
    assert.deepEqual(mistakesOf(text, { taskSchema }), [
      '.taskcluster.yml:11:15: task "packed": payload must be a map',
      '.taskcluster.yml:13:9: task "check x": deadline is missing',
    ]);
  });

  it('in dates, queue, ids and dependencies is told', () => {
    const text = `version: 1
tasks:
  - taskId: short
    taskQueueId: a/b
    deadline: {$fromNow: -1 hour}
    metadata: {name: one}
  - taskId: {$eval: 'as_slugid("b")'}
    dependencies: [{$eval: 'as_slugid("b")'}]
    deadline: {$fromNow: 1 hour}
    expires: {$fromNow: 1 minute}
    metadata: {name: two}
`;
    const told = mistakesOf(text);
    assert.equal(told.length, 5, told.join('\n'));
    assert.match(told[0] ?? '', /:3:\d+: task "one": taskId must be a slugid, not "short"/);
    assert.match(told[1] ?? '', /:5:\d+: task "one": deadline .* comes before created/);
    assert.match(told[2] ?? '', /:7:\d+: task "two": no task queue/);
    assert.match(told[3] ?? '', /:8:\d+: task "two": depends on itself/);
    assert.match(told[4] ?? '', /:10:\d+: task "two": expires .* comes before deadline/);
  });

  it('in what the tasks render to says what to write', () => {
    assert.match(
      mistakesOf('version: 1\ntasks: {$eval: "{a: 1}"}')[0] ?? '',
      /must be a list of tasks, not a map/,
    );
    assert.match(mistakesOf('version: 1\ntasks: {$eval: "[[1]]"}')[0] ?? '', /not a list: put "\$flatten"/);
    assert.match(mistakesOf('version: 1\ntasks: {$eval: "[1]"}')[0] ?? '', /a task must be a map, not 1/);
  });
});
