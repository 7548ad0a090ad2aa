import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDatabaseUrl } from './database-url.ts';

const urlsOf = (url: string): string[] => readDatabaseUrl(url).servers.map((server) => server.url);

describe('a database URL', () => {
  it('names one server, which is used as it is', () => {
    const { servers, isChecked } = readDatabaseUrl(
      'postgresql://u:p%40@db.example.com/name?sslmode=verify-full',
    );
    assert.deepEqual(servers, [
      {
        name: 'db.example.com:5432',
        url: 'postgresql://u:p%40@db.example.com:5432/name?sslmode=verify-full',
      },
    ]);
    assert.equal(isChecked, false);
  });

  it('names several servers as libpq reads them', () => {
    const parameters = '?target_session_attrs=read-write&sslmode=require';
    const { servers, isChecked } = readDatabaseUrl(
      `postgres://u:p@one,two:6432,[::1]:7000/name${parameters}`,
    );
    assert.deepEqual(servers, [
      { name: 'one:5432', url: 'postgres://u:p@one:5432/name?sslmode=require' },
      { name: 'two:6432', url: 'postgres://u:p@two:6432/name?sslmode=require' },
      { name: '[::1]:7000', url: 'postgres://u:p@[::1]:7000/name?sslmode=require' },
    ]);
    assert.equal(isChecked, true);
    const expected = ['postgres://u@one:1/name', 'postgres://u@two:2/name'];
    assert.deepEqual(urlsOf('postgres://u@/name?host=one,two&port=1,2'), expected);
    assert.deepEqual(urlsOf('postgres://u@one,two/name?port=9'), [
      'postgres://u@one:9/name',
      'postgres://u@two:9/name',
    ]);
  });

  it('keeps settings of a session apart from what the driver reads', () => {
    const [server] = readDatabaseUrl(
      'postgres://u@one/x?options=-c%20search_path%3Da&sslmode=require',
    ).servers;
    const url = 'postgres://u@one:5432/x?sslmode=require';
    assert.deepEqual(server, { name: 'one:5432', url, options: '-c search_path=a' });
  });

  it('may name the folder of a socket', () => {
    const url = 'postgres://u@%2Frun%2Fpostgresql:5432/name';
    assert.deepEqual(readDatabaseUrl(url).servers, [{ name: '/run/postgresql:5432', url }]);
    assert.deepEqual(urlsOf('postgres://u@/name?host=/run/postgresql'), [url]);
  });

  it('asks for a server that accepts writes, or is refused, without its password', () => {
    for (const [url, reason] of [
      ['postgres://u:hunter2@one,two/x?target_session_attrs=any', /neither read-write nor primary/],
      ['postgres://u:hunter2@one/x?target_session_attrs=standby', /neither read-write nor primary/],
      ['postgres://u:hunter2@/x?host=one,two,three&port=1,2', /names 3 hosts and 2 ports/],
      ['postgres://u:hunter2@one:x/x', /has a host that is none/],
      ['mysql://u:hunter2@one/x', /does not start with postgres/],
      ['postgres://u:hunter2@one/x?query_timeout=1000', /query_timeout; use statement_timeout/],
    ] as const) {
      assert.throws(
        () => readDatabaseUrl(url),
        (error: Error) => {
          assert.match(error.message, reason);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    }
    assert.equal(readDatabaseUrl('postgres://u@one/x?target_session_attrs=any').isChecked, false);
    assert.equal(readDatabaseUrl('postgres://u@one/x?target_session_attrs=primary').isChecked, true);
  });
});
