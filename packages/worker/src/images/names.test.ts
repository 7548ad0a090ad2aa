import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, fullName, isOfArchive, nameOfArchive } from './names.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test('a name has a tag, a digest, or means its latest', () => {
  assert.equal(fullName('debian'), 'debian:latest');
  assert.equal(fullName('debian:12'), 'debian:12');
  assert.equal(fullName('host:5000/team/tool'), 'host:5000/team/tool:latest');
  assert.equal(fullName('host:5000/team/tool:1'), 'host:5000/team/tool:1');
  assert.equal(fullName(`team/tool@${digest}`), `team/tool@${digest}`);
});

test('a digest is the whole part after the name, and nothing shorter', () => {
  assert.equal(digestOf(`team/tool@${digest}`), digest);
  assert.equal(digestOf(`team/tool:1@${digest}`), digest);
  assert.equal(digestOf('team/tool:1'), undefined);
  assert.equal(digestOf('team/tool@sha256:abc'), undefined);
});

test('names of archives are known as such, also as Podman writes them', () => {
  const name = nameOfArchive('b'.repeat(64));
  assert.deepEqual(
    [name, `localhost/${name}`, 'taskyard-image', 'team/taskyard-image:1', 'taskyard-images:1'].map(
      isOfArchive,
    ),
    [true, true, true, false, false],
  );
});
