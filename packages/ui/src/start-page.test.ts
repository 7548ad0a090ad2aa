import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startPage } from './start-page.ts';

describe('the start page', () => {
  const page = (path: string) => startPage({ version: '1.2.3', path });
  it('names the commands for the task or group in its address', () => {
    const id = 'AbCdEfGhQ-aGijklmnopqw';
    assert.match(page(`/tasks/${id}`), new RegExp(`tyard task status ${id}`));
    assert.match(page(`/tasks/groups/${id}/tasks`), new RegExp(`tyard group watch ${id}`));
  });
  it('repeats nothing of an address that is neither', () => {
    assert.doesNotMatch(page('/tasks/<script>alert(1)</script>'), /alert/);
    assert.match(page('/'), /Taskyard is running/);
  });
});
