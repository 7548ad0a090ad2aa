import type { Context } from './context.ts';
import * as store from './store.ts';

/**
 * Why exchanges of other programs cannot be listened to, as the API shows it. Several processes write this, and each knows the
 * bindings of another moment. So the errors are read again in each round, and only the database says which are not bound.
 */
export class BindingErrors {
  readonly #context: Context;
  #known: ReadonlyMap<string, string> = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Forgets exchanges that no hook is bound to any more, and learns what is known of the others. */
  async begin(): Promise<void> {
    const { db } = this.#context;
    await store.forgetUnboundExchanges(db);
    this.#known = new Map(
      (await store.listBindingErrors(db)).map(({ exchange, error }) => [exchange, error]),
    );
  }

  /** Notes why an exchange cannot be listened to; without a reason, that it can. */
  async note(exchange: string, error?: string): Promise<void> {
    if (this.#known.get(exchange) === error) return;
    const { db, clock } = this.#context;
    if (error === undefined) await store.forgetBindingError(db, exchange);
    else await store.saveBindingError(db, { exchange, error, since: clock.now() });
  }
}
