import type { Database, Sql, Transaction } from '../../base/index.ts';

type Watch = (text: string) => unknown;

const watchedSql = <S extends Sql>(sql: S, watch: Watch): S =>
  new Proxy(sql, {
    apply: async (target, self, [strings, ...values]: [TemplateStringsArray, ...unknown[]]) => {
      const rows: unknown = await Reflect.apply(target, self, [strings, ...values]);
      await watch(strings.join(''));
      return rows;
    },
  });

/** A database that calls `watch` with the text of each statement, after it was answered; in transactions too. */
export const watchedDatabase = (db: Database, watch: Watch): Database => {
  const transaction = <T>(run: (tx: Transaction) => Promise<T>): Promise<T> =>
    db.transaction((tx) => run(watchedSql(tx, watch)));
  return new Proxy(watchedSql(db, watch), {
    get: (target, name) => (name === 'transaction' ? transaction : Reflect.get(target, name)),
  });
};

/** A database on which something happens right after the first statement that holds a text, also in a transaction. */
export const afterReadInside = (db: Database, text: string, happen: () => Promise<unknown>): Database => {
  let hasHappened = false;
  return watchedDatabase(db, (statement) => {
    if (hasHappened || !statement.includes(text)) return undefined;
    hasHappened = true;
    return happen();
  });
};
