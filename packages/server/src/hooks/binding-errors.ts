import type { Context } from './context.ts';
import * as store from './store.ts';

/** Why exchanges of other programs cannot be listened to, for everybody to see. Written when it changes only. */
export class BindingErrors {
  readonly #context: Context;
  readonly #noted = new Map<string, string | undefined>();
  #exchanges = '';

  constructor(context: Context) {
    this.#context = context;
  }

  /** Notes why an exchange cannot be listened to; without a reason, that it can. */
  async note(exchange: string, error?: string): Promise<void> {
    const { db, clock } = this.#context;
    if (this.#noted.has(exchange) && this.#noted.get(exchange) === error) return;
    if (error === undefined) await store.forgetBindingError(db, exchange);
    else await store.saveBindingError(db, { exchange, error, since: clock.now() });
    this.#noted.set(exchange, error);
  }

  /** Forgets all exchanges but these: no hook is bound to them any more. */
  async keepOnly(exchanges: ReadonlySet<string>): Promise<void> {
    const names = [...exchanges].sort();
    const text = JSON.stringify(names);
    if (text === this.#exchanges) return;
    await store.forgetOtherBindingErrors(this.#context.db, names);
    for (const name of this.#noted.keys()) if (!exchanges.has(name)) this.#noted.delete(name);
    this.#exchanges = text;
  }
}
