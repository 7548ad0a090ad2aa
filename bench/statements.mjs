// What PostgreSQL spent on which statement.

export const statementSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_utility': 'on',
  'pg_stat_statements.track_planning': 'on',
};

/** Prints the statements that took most time. */
export const printStatements = async (db) => {
  const statements = await db`
    select calls, total_exec_time as ms, mean_exec_time as mean, total_plan_time as planning, rows, wal_bytes::float8 as wal,
           shared_blks_hit + shared_blks_read as blocks,
           left(regexp_replace(query, '\\s+', ' ', 'g'), 110) as query
      from pg_stat_statements where query not like '%pg_stat_%'
     order by total_exec_time desc limit 30`;
  const total = statements.reduce((sum, { ms }) => sum + ms, 0);
  console.log('\nShare, calls, mean ms, rows and blocks and bytes of WAL for each call:');
  for (const { ms, calls, mean, planning, rows, blocks, wal, query } of statements) {
    const figures = [
      `${((ms / total) * 100).toFixed(1)} %`.padStart(7),
      String(calls).padStart(7),
      mean.toFixed(3).padStart(8),
      (rows / calls).toFixed(1).padStart(7),
      (blocks / calls).toFixed(0).padStart(6),
      (wal / calls).toFixed(0).padStart(7),
    ];
    console.log(`${figures.join(' ')}  ${planning > 1 ? `(plan ${planning.toFixed(0)} ms) ` : ''}${query}`);
  }
};
