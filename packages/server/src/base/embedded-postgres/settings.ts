/**
 * Settings for a laptop that also runs other programs. They are on the command line, not in `postgresql.conf` of the data,
 * so that a new version of the platform applies its own to existing data.
 *
 * The binaries are built without lz4 (18.4), so pages and values compress as PostgreSQL does by default.
 */
export const defaultSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  // Needed by the backup of a running server; nothing else replicates from it.
  wal_level: 'replica',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  // All statements are short: compiling them, or spreading them over processes, costs more than it gains.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  // Three processes fewer at rest; the data fit into memory.
  io_method: 'sync',
  random_page_cost: '1.1',
  // Small hot tables are emptied and filled all the time: their dead rows must go soon.
  autovacuum_naptime: '10s',
  autovacuum_vacuum_cost_delay: '0',
  idle_in_transaction_session_timeout: '60s',
  TimeZone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_lock_waits: 'on',
  // The detail of an error quotes rows, and rows may hold secrets.
  log_error_verbosity: 'terse',
};

/** Settings as arguments of the server's command line. */
export const settingArguments = (settings: Readonly<Record<string, string>>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
